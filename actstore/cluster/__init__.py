"""Ray and nothing else: a crew of actors behind the Executor port. Knows no model and no store."""
