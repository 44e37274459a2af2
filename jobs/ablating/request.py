"""PointRequest: all that a worker needs to train and score one point of an ablation."""

from dataclasses import asdict, dataclass, field
from typing import Any

from actstore.capture.source import CheckpointSource
from actstore.schema import content_id
from actstore.schema.refs import layer_site
from jobs.ablating.points import Point
from jobs.training.request import TrainCorpus

POINT_VERSION = 1
"""Raised by hand when the same request gives other numbers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """A corpus to train or to score on; with a run where stored activations take the place of layers."""

    corpus: TrainCorpus
    run_id: str | None = None
    stored_as: dict[str, str] = field(default_factory=dict)
    """How that run's values came about, whatever other sites it holds and however it is cut into shards."""
    excluded: tuple[int, ...] = ()
    """Examples without stored values: they are not trained on, and count as missed."""

    def identity(self) -> dict[str, Any]:
        return {**self.corpus.identity(), "stored_as": self.stored_as, "excluded": list(self.excluded)}


@dataclass(frozen=True, slots=True, kw_only=True)
class PointRequest:
    """One training and its score. Picklable and small."""

    store: str
    name: str
    task: str
    point: Point
    base: str
    start: CheckpointSource
    """The base; pinned."""
    start_sha256: str
    pooler_sha256: str | None
    """The base's pooler, where the head begins with it."""
    train: Side
    dev: Side
    settings: dict[str, Any]
    """analyses.tuning.settings.TrainSettings."""
    head_options: dict[str, Any]
    keep: str | None = None
    """The name under which the model is registered."""

    @property
    def point_id(self) -> str:
        """The id of everything that decides the numbers; no names."""
        return content_id(
            {
                "version": POINT_VERSION,
                "task": self.task,
                "point": asdict(self.point),
                "start_sha256": self.start_sha256,
                "pooler_sha256": self.pooler_sha256,
                "settings": self.settings,
                "head_options": self.head_options,
                "train": self.train.identity(),
                "dev": self.dev.identity(),
            }
        )

    @property
    def site(self) -> str | None:
        """The site that training starts from; None where it starts from token ids."""
        return None if self.point.n_frozen is None else layer_site(self.point.n_frozen)
