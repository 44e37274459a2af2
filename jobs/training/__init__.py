"""Training the checkpoints of a study: planned by the driver, done by workers, kept in the store."""
