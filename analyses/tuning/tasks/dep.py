"""Task dep: the head and the relation of every word of a sentence."""

from collections.abc import Iterable
from typing import ClassVar

import numpy as np
import pyarrow as pa

from actstore.errors import CorpusError
from analyses.tuning.batch import Batch
from analyses.tuning.features import TaskData
from analyses.tuning.heads.head import Output
from analyses.tuning.heads.parser import ParserHead, ParserSpec
from analyses.tuning.scorers.dep import Parsed, score_trees
from analyses.tuning.settings import TrainSettings
from analyses.tuning.tasks.dep_data import DepData, dep_data
from analyses.tuning.tasks.tables import CorpusTables
from analyses.tuning.tasks.task import HeadOptions, Scores, TrunkFacts

NO_HEAD = -1
"""Predicted for a word that has no tokens: it counts as wrong, as in the official scorer."""


class Dep:
    """Dependency trees."""

    name: ClassVar[str] = "dep"

    def data(self, tables: CorpusTables, labels: tuple[str, ...] | None = None) -> DepData:
        return dep_data(tables, labels)

    def head(
        self, data: TaskData, trunk: TrunkFacts, settings: TrainSettings, options: HeadOptions
    ) -> ParserHead:
        assert isinstance(data, DepData)
        begins_special = bool(data.features.special_T[data.features.offset_S1[:-1]].all())
        return ParserHead(
            ParserSpec(
                width=trunk.width,
                labels=data.labels,
                arc_width=options.arc_width,
                label_width=options.label_width,
                dropout=options.parser_dropout,
                subword=options.subword,
                root="first" if begins_special else "learned",
            )
        )

    def score(self, data: TaskData, outputs: Iterable[tuple[Batch, Output]]) -> Scores:
        """`uas`, `las` and their variants (scorers.dep) over all annotated words; `words_lost` in per cent.

        Predictions: example, word, head (as in schema.text.WORD_LABELS) and deprel.
        """
        assert isinstance(data, DepData)
        n_words = len(data.gold)
        found_head_X = np.full(n_words, NO_HEAD, dtype=np.int64)
        found_label_X = np.full(n_words, -1, dtype=np.int64)
        for batch, output in outputs:
            for at, sequence in enumerate(batch.sequence_N.tolist()):
                mine = slice(int(data.offset_S1[sequence]), int(data.offset_S1[sequence + 1]))
                place_W = data.gold_place_W[mine]
                head_W = output["head"][at, : len(place_W)].numpy()
                # from places among the words that have tokens to words of the example, counted from 1
                number_W = np.concatenate([[0], data.word_W[mine] + 1])
                found_head_X[place_W] = number_W[head_W]
                found_label_X[place_W] = output["label"][at, : len(place_W)].numpy()
        return _scores(data, found_head_X, found_label_X)


def _scores(data: DepData, found_head_X: np.ndarray, found_label_X: np.ndarray) -> Scores:
    gold_head_X = data.gold["head"].to_numpy().astype(np.int64)
    word_X = data.gold["word"].to_numpy().astype(np.int64)
    if not len(gold_head_X):
        raise CorpusError("no word of the corpus has a head; score on a treebank")
    names = np.array([*data.labels, ""], dtype=object)[found_label_X]
    metrics = score_trees(
        Parsed(
            form_W=data.gold["text"].to_pylist(),
            gold_head_W=np.where(gold_head_X == word_X, 0, gold_head_X + 1),
            found_head_W=found_head_X,
            gold_label_W=data.gold["deprel"].to_pylist(),
            found_label_W=names.tolist(),
        )
    )
    metrics["words_lost"] = 100.0 * float((found_head_X == NO_HEAD).mean())
    predictions = data.gold.select(["example", "word"]).append_column(
        "head",
        pa.array(
            np.where(found_head_X == 0, word_X, found_head_X - 1).astype(np.int32),
            mask=found_head_X == NO_HEAD,
        ),
    )
    deprel = pa.array(names.tolist(), pa.string())
    return Scores(metrics=metrics, predictions=predictions.append_column("deprel", deprel))
