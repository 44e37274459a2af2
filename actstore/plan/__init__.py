"""Decisions as pure functions of numbers: packing, batches, memory, schedule. Knows no file and no model."""
