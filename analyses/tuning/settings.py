"""TrainSettings: how a task is trained, with the defaults of each task."""

from dataclasses import asdict, dataclass
from typing import Any

from actstore.errors import RequestError

SCHEDULES = ("bert_tf", "hf_linear")
PRECISIONS = ("auto", "float32", "bfloat16", "float16")
TASKS = ("mnli", "squad", "dep", "mlm")


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainSettings:
    """Everything that decides what comes out of a training, beside data and starting weights."""

    epochs: int
    learning_rate: float
    batch_size: int
    """Sequences of one step of the optimiser."""
    schedule: str = "bert_tf"
    warmup: float = 0.1
    """Part of the steps over which the learning rate rises."""
    weight_decay: float = 0.01
    clip_norm: float = 1.0
    dropout: float | None = None
    """Of the trunk's layers; None: as the checkpoint's configuration says."""
    head_dropout: float = 0.1
    """Before the NLI layer; the parser has its own (heads.parser), QA none."""
    head_rate: float = 1.0
    """The head's learning rate as a multiple of the trunk's."""
    seed: int = 0
    accumulation: int = 1
    """Parts of a batch that run one after the other; the result is that of the whole batch."""
    save_steps: tuple[int, ...] = ()
    """Steps after which a checkpoint is asked for: a training series."""
    max_steps: int | None = None
    """Ends the training early and shortens the schedule with it."""
    precision: str = "auto"
    """auto: bfloat16 where a GPU has it, else float32; weights are float32 always."""

    def __post_init__(self) -> None:
        for name in ("epochs", "batch_size", "accumulation"):
            _need(getattr(self, name) >= 1, name, getattr(self, name), "1 and more")
        _need(self.accumulation <= self.batch_size, "accumulation", self.accumulation, "at most batch_size")
        _need(self.max_steps is None or self.max_steps >= 1, "max_steps", self.max_steps, "1 and more")
        for name in ("learning_rate", "clip_norm", "head_rate"):
            _need(getattr(self, name) > 0, name, getattr(self, name), "above 0")
        _need(0 <= self.warmup < 1, "warmup", self.warmup, "0 to below 1")
        _need(self.weight_decay >= 0, "weight_decay", self.weight_decay, "0 and more")
        for name in ("dropout", "head_dropout"):
            value = getattr(self, name)
            _need(value is None or 0 <= value < 1, name, value, "0 to below 1")
        _need(self.schedule in SCHEDULES, "schedule", self.schedule, ", ".join(SCHEDULES))
        _need(self.precision in PRECISIONS, "precision", self.precision, ", ".join(PRECISIONS))
        _need(all(step >= 1 for step in self.save_steps), "save_steps", self.save_steps, "1 and more")

    def to_dict(self) -> dict[str, Any]:
        return {**asdict(self), "save_steps": list(self.save_steps)}

    @classmethod
    def from_dict(cls, value: dict[str, Any]) -> "TrainSettings":
        return cls(**{**value, "save_steps": tuple(value["save_steps"])})


def default_settings(task: str) -> TrainSettings:
    """The recipe of a task: Devlin et al.'s scripts for mnli, squad and mlm, Merchant et al. for dep.

    squad is the recipe of BERT's README for one GPU; the batch of dep is not published.
    """
    _need(task in TASKS, "task", task, ", ".join(TASKS))
    return _DEFAULTS[task]


def _need(right: bool, name: str, value: object, allowed: str) -> None:
    if not right:
        raise RequestError(f"{name} = {value!r}; allowed: {allowed}")


_DEFAULTS = {
    "mnli": TrainSettings(epochs=3, learning_rate=2e-5, batch_size=32),
    "squad": TrainSettings(epochs=2, learning_rate=3e-5, batch_size=12),
    "dep": TrainSettings(epochs=20, learning_rate=3e-5, batch_size=32),
    "mlm": TrainSettings(epochs=40, learning_rate=1e-4, batch_size=256, warmup=0.01),
}
