"""Word probes: a class a word from one layer, with control tasks and usable information."""
