"""EdgeTraining: how edge probes are trained; the defaults are those of jiant (methods, section 3.5)."""

from dataclasses import dataclass, replace

SMALL_SENTENCES = 10_000
"""Tasks with fewer training sentences take the small template."""
LARGE = {"max_steps": 250_000, "validate_every": 1000}
SMALL = {"max_steps": 10_000, "validate_every": 100}
LEAST_VALIDATIONS = 10
"""A training that is cut short still looks at the dev set so often."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgeTraining:
    """Settings of a training; steps that are None are those of the task's template."""

    learning_rate: float = 1e-4
    batch_size: int = 32
    """Sentences."""
    clip: float = 5.0
    """Largest norm of a probe's gradient."""
    max_steps: int | None = None
    validate_every: int | None = None
    """Steps between two looks at the dev set."""
    dev_sentences: int = 5000
    """A look takes the first so many."""
    factor: float = 0.5
    patience: int = 5
    """Looks without a better score that are let pass before the learning rate falls."""
    improvement: float = 1e-4
    """What a score has to gain to be better for the learning rate."""
    stop_after: int = 21
    """The look, counted from the best one, at which training ends."""
    least_rate: float = 1e-6
    units: int = 256
    """Of the projection and of the hidden layer."""

    @property
    def steps(self) -> int:
        """Of a rule that is `of` a task."""
        return self.max_steps or LARGE["max_steps"]

    @property
    def every(self) -> int:
        """Steps between two looks, of a rule that is `of` a task."""
        return self.validate_every or LARGE["validate_every"]

    def of(self, n_sentences: int) -> "EdgeTraining":
        """The same for a task of so many training sentences, with its steps filled in."""
        template = SMALL if n_sentences < SMALL_SENTENCES else LARGE
        steps = self.max_steps or template["max_steps"]
        every = min(template["validate_every"], max(1, steps // LEAST_VALIDATIONS))
        return replace(self, max_steps=steps, validate_every=self.validate_every or every)
