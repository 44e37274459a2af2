"""From stored rows to what an analysis takes: which tokens, in which form. Reads through ports alone."""
