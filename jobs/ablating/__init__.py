"""Layer ablations of a study: points planned by the driver, trained and scored by workers."""
