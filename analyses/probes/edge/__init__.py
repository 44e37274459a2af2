"""Edge probes: labels of spans and of pairs of spans, from mixed layers (Tenney et al. 2019)."""
