"""Figures: one description each, drawn as SVG, PNG and interactive HTML."""
