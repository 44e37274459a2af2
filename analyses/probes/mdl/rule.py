"""EdgeRule: how the probes of a description length are trained."""

from dataclasses import dataclass, field

from analyses.probes.plateau import PlateauRule


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgeRule:
    """Defaults of jiant's edge probes as the MDL experiments set them (methods, sections 3.5, 5.1, 5.2)."""

    learning_rate: float = 1e-4
    batch_size: int = 32
    """Sentences."""
    clip: float = 5.0
    """Largest norm of a probe's gradient."""
    max_steps: int = 1_000_000
    validate_every: int = 1000
    """Steps between two looks at the dev set."""
    plateau: PlateauRule = field(default_factory=lambda: PlateauRule(factor=0.5, patience=5, stop_after=10))
    variational_learning_rate: float = 1e-3
    variational_epochs: int = 200
    units: int = 256
    """Of the projection and of the hidden layer."""
