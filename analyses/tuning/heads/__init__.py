"""Heads: what a task puts on the output of the last layer; saved as head.safetensors and head.json."""
