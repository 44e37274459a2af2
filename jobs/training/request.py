"""TrainRequest: all that a worker needs to train one checkpoint, and what decides its weights."""

from dataclasses import asdict, dataclass, field
from typing import Any

from actstore.capture.source import CheckpointSource
from actstore.schema import content_id
from actstore.schema.refs import CorpusRef
from jobs.study.finetune import early_name

TRAINING_VERSION = 1
"""Raised by hand when the same request gives other weights."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainCorpus:
    """A corpus through the base's tokenizer, stored."""

    ref: CorpusRef
    tokens_id: str

    def identity(self) -> dict[str, Any]:
        """Text, tokens and gold labels; its name is no matter."""
        return {
            "text_id": self.ref.text_id,
            "tokens_id": self.tokens_id,
            "word_labels": self.ref.word_labels,
            "example_labels": self.ref.example_labels,
            "answers": self.ref.labels.get("answers"),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainRequest:
    """One checkpoint to train. Picklable and small."""

    store: str
    name: str
    task: str
    seed: int
    start: CheckpointSource
    """What it starts from; pinned."""
    start_sha256: str
    """Trunk of the start."""
    pooler_sha256: str | None
    """The start's pooler, where the head begins with it."""
    base: str | None
    train: TrainCorpus
    dev: TrainCorpus
    settings: dict[str, Any]
    """analyses.tuning.settings.TrainSettings."""
    head_options: dict[str, Any]
    """analyses.tuning.tasks.task.HeadOptions, in part."""
    save_steps: tuple[int, ...] = ()
    """Steps of which a checkpoint is registered on the way; 0 is the beginning."""
    frozen_layers: int | None = None
    starts_random: bool = False
    architecture: dict[str, int] = field(default_factory=dict)
    """Fields of the configuration that are not the start's."""
    memory_bytes: int = 0
    """Upper bound of what it adds to a worker; decides no weights."""

    @property
    def training_id(self) -> str:
        """The id of everything that decides the weights; early checkpoints are no part of it."""
        value = asdict(self)
        kept = (
            "task",
            "seed",
            "start_sha256",
            "pooler_sha256",
            "head_options",
            "frozen_layers",
            "starts_random",
            "architecture",
        )
        settings = {name: item for name, item in self.settings.items() if name != "save_steps"}
        return content_id(
            {name: value[name] for name in kept}
            | {"version": TRAINING_VERSION, "settings": settings, "train": self.train.identity()}
        )

    def training_id_at(self, step: int | None) -> str:
        """The id of an early checkpoint; None: of the trained one."""
        return self.training_id if step is None else content_id([self.training_id, step])

    def name_at(self, step: int | None) -> str:
        """The name of the checkpoint at a step; None: at its end."""
        return early_name(self.name, step)
