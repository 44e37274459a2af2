"""Queries: DuckDB selects rows, the store gathers their vectors. Vectors never pass through DuckDB."""
