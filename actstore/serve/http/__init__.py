"""HTTP: the engine behind FastAPI, one file a group of routes."""
