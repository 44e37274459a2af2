"""The shared scan: what a group of probes needs of a run, read in one pass, kept or streamed in pools."""
