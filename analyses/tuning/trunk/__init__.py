"""One trunk: layers k+1..n of a checkpoint, from token ids or from stored activations at layer k."""
