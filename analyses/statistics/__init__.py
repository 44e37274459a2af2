"""Statistics of a part that merge into the statistics of the whole, and resampling."""
