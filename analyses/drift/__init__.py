"""Drift: how far each single token moved between two checkpoints, layer by layer."""
