"""Plateau: the learning rate and the end of one probe's training, by its dev losses. Pure numbers."""

from dataclasses import dataclass, replace

RELATIVE_IMPROVEMENT = 1e-4
"""A loss counts as better for the learning rate below (1 - this) of the best one (torch's default)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlateauRule:
    """When the learning rate falls and when training ends."""

    factor: float = 0.1
    patience: int = 0
    """Evaluations without a better loss that are let pass before the rate falls."""
    improvement: float = 1e-4
    """A loss is a new best one, whose probe is kept, if it is lower by more than this."""
    stop_after: int = 5
    """Evaluations since the best one after which training ends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plateau:
    """How far the training of a probe has come. `after` gives the state that follows an evaluation."""

    rule: PlateauRule
    learning_rate: float
    n_evaluations: int = 0
    lowest: float = float("inf")
    """For the learning rate."""
    n_bad: int = 0
    best: float = float("inf")
    """For keeping and stopping."""
    best_at: int = -1
    """Which evaluation was the best, from 0."""
    n_decays: int = 0

    @property
    def is_best(self) -> bool:
        """Whether the last evaluation was the best one so far."""
        return self.best_at == self.n_evaluations - 1

    @property
    def is_over(self) -> bool:
        """Whether training has ended."""
        return self.n_evaluations - 1 - self.best_at >= self.rule.stop_after

    def after(self, loss: float) -> "Plateau":
        """The state after another evaluation. A loss that is no number is never better."""
        better = loss < self.lowest * (1 - RELATIVE_IMPROVEMENT)
        n_bad = 0 if better else self.n_bad + 1
        decays = n_bad > self.rule.patience
        best = loss < self.best - self.rule.improvement
        return replace(
            self,
            n_evaluations=self.n_evaluations + 1,
            lowest=loss if better else self.lowest,
            n_bad=0 if decays else n_bad,
            learning_rate=self.learning_rate * (self.rule.factor if decays else 1),
            n_decays=self.n_decays + decays,
            best=loss if best else self.best,
            best_at=self.n_evaluations if best else self.best_at,
        )
