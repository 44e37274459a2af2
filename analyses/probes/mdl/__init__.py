"""MDL probes: how many bits it takes to tell labels from activations (Voita and Titov 2020)."""
