"""ScoreWork: the end-task metric of a registered checkpoint, from stored activations and its head alone.

No trunk is loaded: the head and the final norm read the last layer's stored output.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from actstore.schema.ports import Unit
from actstore.schema.refs import CorpusRef
from actstore.schema.tables import RESULTS
from actstore.store.objects import Objects
from actstore.store.places import open_objects
from actstore.store.results import ResultWriter
from actstore.store.root import open_root
from actstore.store.source import StoreSource
from actstore.store.trained import folder_of
from analyses.tuning.majority import majority_answer, majority_arc, majority_label
from analyses.tuning.tasks.tables import CorpusTables
from jobs.training.tables import corpus_tables, gold_tables

if TYPE_CHECKING:
    from analyses.tuning.model import TaskModel

MAJORITY = "(majority)"
"""Stands in the place of a checkpoint; no checkpoint can have this name."""
_MAJORITY = {"mnli": majority_label, "squad": majority_answer, "dep": majority_arc}


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreRequest:
    """One checkpoint over one corpus."""

    task: str
    checkpoint: str
    corpus: CorpusRef
    tokens_id: str = ""
    run_id: str = ""
    site: str = ""
    excluded: tuple[int, ...] = ()
    """Examples without stored values: nothing is predicted for them."""
    train: CorpusRef | None = None
    """For the majority baseline, which has no run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreWork:
    """Scores as work for an executor; a group is a checkpoint."""

    store: str
    results: str
    name: str
    result_id: str
    threads: int

    def open(self, group: str) -> "ScoreTask":
        return ScoreTask(self, open_root(self.store), group)


class ScoreTask:
    """One checkpoint's head."""

    def __init__(self, work: ScoreWork, objects: Objects, checkpoint: str) -> None:
        self._work, self._objects = work, objects
        self._model: TaskModel | None = None
        if checkpoint != MAJORITY:
            import torch

            from analyses.tuning.heads.files import load_head

            torch.set_num_threads(work.threads)
            self._model = load_head(folder_of(objects, checkpoint))

    def do(self, unit: Unit) -> pa.Table:
        """The rows of the table `task_score`; what was predicted is stored beside the result."""
        request: ScoreRequest = unit.args
        metrics = (
            self._majority(request) if request.checkpoint == MAJORITY else self._score(request, unit.key)
        )
        rows = [
            {"task": request.task, "checkpoint": request.checkpoint, "corpus": request.corpus.name,
             "metric": metric, "value": value}
            for metric, value in metrics.items()
        ]  # fmt: skip
        return pa.Table.from_pylist(rows, schema=RESULTS["task_score"])

    def close(self) -> None:
        self._model = None

    def _score(self, request: ScoreRequest, key: str) -> dict[str, float]:
        from analyses.tuning.scoring import score
        from analyses.tuning.tasks.registry import task_of

        assert self._model is not None
        tables = corpus_tables(self._objects, request.task, request.corpus, request.tokens_id)
        task = task_of(request.task)
        labels = getattr(self._model.head.spec, "labels", None)
        data = task.data(without_examples(tables, request.excluded), labels)
        source = RunActivations(StoreSource(self._work.store), request.run_id, request.site)
        scores = score(self._model, task, data, activations=source)
        work = self._work
        writer = ResultWriter(open_objects(work.results), "task_score", work.name, work.result_id)
        writer.put_table(f"predictions/{key}.parquet", scores.predictions)
        return scores.metrics

    def _majority(self, request: ScoreRequest) -> dict[str, float]:
        assert request.train is not None
        train, test = (
            gold_tables(self._objects, request.task, one) for one in (request.train, request.corpus)
        )
        return _MAJORITY[request.task](train, test)


@dataclass(frozen=True, slots=True)
class RunActivations:
    """One site of one run, for a head."""

    source: StoreSource
    run_id: str
    site: str

    def gather(self, row_T: npt.NDArray[np.int64]) -> npt.NDArray[Any]:
        """Activations [T, D] of the given rows, in that order."""
        return self.source.gather(self.run_id, self.site, row_T)


def without_examples(tables: CorpusTables, excluded: tuple[int, ...]) -> CorpusTables:
    """The tables without the tokens of some examples; their gold labels stay, and count as missed."""
    if not excluded:
        return tables
    gone = pa.array(excluded, pa.int32())

    def kept(table: pa.Table) -> pa.Table:
        return table.filter(pc.invert(pc.is_in(table["example"], gone)))

    words = None if tables.word_tokens is None else kept(tables.word_tokens)
    return CorpusTables(
        tokens=kept(tables.tokens),
        word_tokens=words,
        examples=tables.examples,
        words=tables.words,
        word_labels=tables.word_labels,
        example_labels=tables.example_labels,
        answers=tables.answers,
    )
