"""The science: arrays and tables in, arrays and tables out. Knows no model, no cluster and no disk."""
