"""Tasks: from a corpus's tables to a head's targets, and from its outputs to predictions and scores."""
