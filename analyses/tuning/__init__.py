"""Tuning: trains the layers above a stored one and a task's head. Knows no store, no Ray and no study file.

trunk    layers k+1..n of a checkpoint, from token ids or from stored activations at layer k
heads    what a task puts on the last layer
tasks    tables of a corpus to features, outputs to predictions
scorers  the official metrics
"""
