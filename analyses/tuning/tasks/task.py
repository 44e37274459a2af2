"""Task: what training, scoring and jobs ask of one."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol

import pyarrow as pa

from actstore.errors import RequestError
from analyses.tuning.batch import Batch
from analyses.tuning.features import TaskData
from analyses.tuning.heads.head import Head, Output
from analyses.tuning.settings import TrainSettings
from analyses.tuning.tasks.tables import CorpusTables

POOLER_INITS = ("pretrained", "random")


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadOptions:
    """Choices of a head that its checkpoint and its data do not decide."""

    pooler_init: str = "pretrained"
    """mnli: the pooler starts from the checkpoint's, or at random (always so where it has none)."""
    subword: str = "first"
    """dep: a word's vector is that of its first token, or the mean of its tokens."""
    arc_width: int = 500
    label_width: int = 100
    parser_dropout: float = 0.33

    def __post_init__(self) -> None:
        if self.pooler_init not in POOLER_INITS:
            raise RequestError(f"pooler_init = {self.pooler_init!r}; allowed are {', '.join(POOLER_INITS)}")


@dataclass(frozen=True, slots=True, kw_only=True)
class TrunkFacts:
    """What a head has to know of the trunk below it."""

    width: int
    causal: bool = False
    embedding: Any = None
    """The table of token embeddings (torch.nn.Parameter), for the head that is tied to it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """How well a model does a task, and all that it predicted."""

    metrics: dict[str, float]
    """By the names of the table `task_score`."""
    predictions: pa.Table = field(repr=False)


class Task(Protocol):
    """Implementations: Nli, Squad, Dep, Mlm."""

    name: ClassVar[str]

    def data(self, tables: CorpusTables, labels: tuple[str, ...] | None = None) -> TaskData:
        """The corpus as training or scoring sees it; `labels` those of the training, None to take its own."""
        ...

    def head(self, data: TaskData, trunk: TrunkFacts, settings: TrainSettings, options: HeadOptions) -> Head:
        """A head of the right shape; its weights are set by `model.build_model`."""
        ...

    def score(self, data: TaskData, outputs: Iterable[tuple[Batch, Output]]) -> Scores:
        """From `scoring.outputs` to metrics."""
        ...
