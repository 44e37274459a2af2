"""Probes: small networks trained on stored activations. No model is in memory, and none can be loaded."""
