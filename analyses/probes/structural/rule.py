"""TrainingRule: how structural probes are trained; the defaults are those of the released code."""

from dataclasses import dataclass, field

from analyses.probes.plateau import PlateauRule


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingRule:
    """Settings of Hewitt and Manning's code (methods, section 4.2)."""

    epochs: int = 40
    learning_rate: float = 1e-3
    batch_size: int = 20
    """Sentences."""
    init_range: float = 0.05
    """The map's entries are drawn from [-this, this)."""
    plateau: PlateauRule = field(default_factory=PlateauRule)
    reset_moments: bool = False
    """Whether Adam starts anew where the learning rate falls: the paper's text, not the released code."""
    mean_loss: bool = True
    """Whether a batch's loss is the mean over its sentences, else the sum: the paper's appendix."""
