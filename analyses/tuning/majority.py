"""Majority baselines: the scores of whoever always answers what is commonest in the training corpus."""

from collections import Counter
from collections.abc import Iterable
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from analyses.tuning.scorers.accuracy import accuracy
from analyses.tuning.scorers.dep import Parsed, score_trees
from analyses.tuning.scorers.squad import score_answers

T = TypeVar("T", str, int)
Ints = npt.NDArray[np.int64]


def majority_label(train: pa.Table, test: pa.Table) -> dict[str, float]:
    """mnli: the commonest label. Tables as schema.text.EXAMPLE_LABELS."""
    guess = commonest(label for label in train["label"].to_pylist() if label is not None)
    gold_N = np.array([-1 if label is None else int(label == guess) for label in test["label"].to_pylist()])
    return {"accuracy": accuracy(gold_N, np.ones_like(gold_N))}


def majority_answer(train: pa.Table, test: pa.Table) -> dict[str, float]:
    """squad: the commonest answer, whatever is asked. Tables as schema.text.SPAN_LABELS."""
    guess = commonest(train["label"].to_pylist())
    gold: dict[str, list[str]] = {}
    for example, answer in zip(test["example"].to_pylist(), test["label"].to_pylist(), strict=True):
        gold.setdefault(str(example), []).append(answer)
    return score_answers(dict.fromkeys(gold, guess), gold)


def majority_arc(train: pa.Table, test: pa.Table) -> dict[str, float]:
    """dep: the head at the commonest distance (0: the root) and the commonest relation.

    Tables as schema.text.WORD_LABELS, with the column `text` of the words. Heads outside it are wrong.
    """
    distance = commonest(_distances(train).tolist())
    relation = commonest(train["deprel"].to_pylist())
    word_W, head_W = (test[name].to_numpy().astype(np.int64) for name in ("word", "head"))
    found_W = np.where(distance == 0, 0, word_W + distance + 1)
    return score_trees(
        Parsed(
            form_W=test["text"].to_pylist(),
            gold_head_W=np.where(head_W == word_W, 0, head_W + 1),
            found_head_W=np.maximum(found_W, -1),
            gold_label_W=test["deprel"].to_pylist(),
            found_label_W=[relation] * len(word_W),
        )
    )


def commonest(values: Iterable[T]) -> T:
    """The value that comes most often; of equally common ones the least."""
    counts = Counter(values)
    return min(counts, key=lambda value: (-counts[value], value))


def _distances(table: pa.Table) -> Ints:
    distances: Ints = table["head"].to_numpy().astype(np.int64) - table["word"].to_numpy().astype(np.int64)
    return distances
