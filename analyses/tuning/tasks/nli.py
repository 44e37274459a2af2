"""Task mnli: a pair of sentences to entailment, neutral or contradiction."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pyarrow as pa

from actstore.errors import CorpusError
from analyses.tuning.batch import Batch
from analyses.tuning.features import Features, Ints, Targets, TaskData, features_of
from analyses.tuning.heads.head import Output
from analyses.tuning.heads.nli import NliHead, NliSpec
from analyses.tuning.scorers.accuracy import accuracy
from analyses.tuning.settings import TrainSettings
from analyses.tuning.tasks.tables import CorpusTables
from analyses.tuning.tasks.task import HeadOptions, Scores, TrunkFacts

LABELS = ("contradiction", "entailment", "neutral")
"""The order of google-research/bert, run_classifier.py."""
UNKNOWN = -100


@dataclass(frozen=True, slots=True, kw_only=True)
class NliData:
    """Pairs with their labels, UNKNOWN for a pair without one."""

    features: Features
    label_S: Ints
    labels: tuple[str, ...]

    def targets(self, sequence_N: Ints, longest: int, draws: np.random.Generator) -> Targets:
        label_N = self.label_S[sequence_N]
        return Targets(arrays={"label": label_N}, n_targets=int((label_N >= 0).sum()))


class Nli:
    """Sentence pairs."""

    name: ClassVar[str] = "mnli"

    def data(self, tables: CorpusTables, labels: tuple[str, ...] | None = None) -> NliData:
        features = features_of(tables.tokens)
        if len(np.unique(features.example_S)) < features.n_sequences:
            raise CorpusError('a pair is cut into windows; tokenise it with overflow = "truncate"')
        names = labels or LABELS
        number = {name: at for at, name in enumerate(names)}
        table = tables.need("example_labels", self.name)
        label_of = dict(zip(table["example"].to_pylist(), table["label"].to_pylist(), strict=True))
        strange = sorted({label for label in label_of.values() if label is not None} - set(names))
        if strange:
            raise CorpusError(f"label {strange[0]!r}; allowed are {', '.join(names)}")
        if not any(label_of.values()):
            raise CorpusError("no example of the corpus has a label; name one with labels")
        label_S = [
            number.get(label_of.get(example) or "", UNKNOWN) for example in features.example_S.tolist()
        ]
        return NliData(features=features, label_S=np.array(label_S, dtype=np.int64), labels=tuple(names))

    def head(
        self, data: TaskData, trunk: TrunkFacts, settings: TrainSettings, options: HeadOptions
    ) -> NliHead:
        assert isinstance(data, NliData)
        pool = "last" if trunk.causal else "first"
        return NliHead(
            NliSpec(width=trunk.width, labels=data.labels, dropout=settings.head_dropout, pool=pool)
        )

    def score(self, data: TaskData, outputs: Iterable[tuple[Batch, Output]]) -> Scores:
        """`accuracy` over the pairs that have a label."""
        assert isinstance(data, NliData)
        found_S = np.full(data.features.n_sequences, UNKNOWN, dtype=np.int64)
        for batch, output in outputs:
            found_S[batch.sequence_N] = output["label"].numpy()
        names = np.array(data.labels)
        table = pa.table({"example": data.features.example_S, "label": names[found_S]})
        return Scores(metrics={"accuracy": accuracy(data.label_S, found_S)}, predictions=table)
