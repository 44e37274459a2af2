"""Metrics: how many questions of which kind, how they ended, how long they took. No text of a question."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

SECONDS = (0.005, 0.02, 0.1, 0.5, 2, 10, 60, 300)


class Metrics:
    """The service's numbers in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.questions = Counter(
            "actstore_questions", "Questions by kind and outcome", ["kind", "outcome"], registry=self.registry
        )
        self.seconds = Histogram(
            "actstore_question_seconds", "From a question to its answer's last batch", ["kind"],
            buckets=SECONDS, registry=self.registry,
        )  # fmt: skip
        self.rows = Counter("actstore_rows", "Rows given out", ["kind"], registry=self.registry)
        self.open_answers = Gauge("actstore_open_answers", "Answers being read", registry=self.registry)

    def ended(self, kind: str, outcome: str, seconds: float, n_rows: int) -> None:
        """Count one question: answered, refused, failed, or left (its client went away before the end)."""
        self.questions.labels(kind, outcome).inc()
        self.seconds.labels(kind).observe(seconds)
        self.rows.labels(kind).inc(n_rows)
