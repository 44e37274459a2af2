"""Capture: checkpoints, their identity, tokenizers and activations. Knows no store and no cluster."""
