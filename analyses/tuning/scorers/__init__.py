"""Scorers: the official metrics. Know no model and no torch."""
