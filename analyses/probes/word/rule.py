"""WordTraining: how word probes are trained; the defaults are those of Hewitt and Liang's code (2019)."""

from dataclasses import dataclass, field

from analyses.probes.plateau import PlateauRule


@dataclass(frozen=True, slots=True, kw_only=True)
class WordTraining:
    """Settings of a training (methods, section 8.3)."""

    learning_rate: float = 1e-3
    batch_size: int = 20
    """Sentences."""
    epochs: int = 40
    hidden: int = 1000
    """Units of the hidden layer of kind "mlp"."""
    plateau: PlateauRule = field(
        default_factory=lambda: PlateauRule(factor=0.5, patience=0, improvement=1e-3, stop_after=4)
    )
