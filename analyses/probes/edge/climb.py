"""Climb: the learning rate and the end of one edge probe's training, by its dev scores. Pure numbers."""

from dataclasses import dataclass, replace

from analyses.probes.edge.rule import EdgeTraining


@dataclass(frozen=True, slots=True, kw_only=True)
class Climb:
    """How far the training of a probe has come. `after` gives the state that follows a validation."""

    rule: EdgeTraining
    learning_rate: float
    n_validations: int = 0
    highest: float = float("-inf")
    """For the learning rate."""
    n_bad: int = 0
    best: float = float("-inf")
    """For keeping and stopping."""
    best_at: int = -1
    """Which validation was the best, from 0."""

    @property
    def is_best(self) -> bool:
        """Whether the last validation was the best one so far."""
        return self.best_at == self.n_validations - 1

    @property
    def is_over(self) -> bool:
        """Whether training has ended."""
        since_best = self.n_validations - 1 - self.best_at
        return since_best >= self.rule.stop_after or self.learning_rate < self.rule.least_rate

    def after(self, score: float) -> "Climb":
        """The state after another validation. A score that is no number is never better."""
        better = score > self.highest + self.rule.improvement
        n_bad = 0 if better else self.n_bad + 1
        decays = n_bad > self.rule.patience
        best = score > self.best
        return replace(
            self,
            n_validations=self.n_validations + 1,
            highest=score if better else self.highest,
            n_bad=0 if decays else n_bad,
            learning_rate=self.learning_rate * (self.rule.factor if decays else 1),
            best=score if best else self.best,
            best_at=self.n_validations if best else self.best_at,
        )
