"""Structural probes: trees as distances and depths in a linear map of a layer (Hewitt, Manning 2019)."""
