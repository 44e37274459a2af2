"""Analyses of other packages: found by entry points, run layer by layer. Knows no store and no study."""
