"""Sentences with labelled spans whose activations are known: a source of activations and labels in memory."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from actstore.schema.text import SPAN_LABELS
from actstore.schema.tokens import WORD_TOKENS


@dataclass(frozen=True, kw_only=True)
class MadeEdges:
    """Implements ActivationSource and LabelSource; a corpus is text, tokenisation and run at once.

    Sentences have `length` words of two tokens each. Layer 0 tells a word's class (its type modulo the number
    of classes) plainly, layer 1 under noise, layer 2 not at all.
    """

    n_sentences: Mapping[str, int]
    """By corpus."""
    length: int = 6
    width: int = 12
    classes: tuple[str, ...] = ("a", "b", "c")
    pairs: bool = False
    """Whether targets have two spans; the label is whether their classes are equal."""
    seed: int = 0
    read: dict[str, int] = field(default_factory=dict)
    """Rows that were read, by site."""

    def word_class(self, corpus: str) -> npt.NDArray[np.int64]:
        """Of each word of a corpus."""
        rng = np.random.default_rng([self.seed, sum(corpus.encode())])
        return rng.integers(len(self.classes), size=self.n_sentences[corpus] * self.length)

    def labels(self, text_id: str, name: str, hash_: str) -> pa.Table:
        classes = self.word_class(text_id).reshape(-1, self.length)
        rows = []
        for sentence, class_W in enumerate(classes.tolist()):
            for word, found in enumerate(class_W):
                other = (word + 1) % self.length
                label = self.classes[found]
                if self.pairs:
                    label = "same" if class_W[other] == found else "other"
                rows.append(
                    {
                        "example": sentence, "target": word, "span1_start": word, "span1_end": word + 1,
                        "span2_start": other if self.pairs else None,
                        "span2_end": other + 1 if self.pairs else None, "label": label,
                    }
                )  # fmt: skip
        return pa.Table.from_pylist(rows, schema=SPAN_LABELS)

    def words(self, text_id: str, columns: Sequence[str]) -> pa.Table:
        """Words whose text is their class and a number below 4."""
        class_W = self.word_class(text_id)
        number_W = np.random.default_rng(self.seed).integers(4, size=len(class_W))
        table = {
            "example": np.repeat(np.arange(self.n_sentences[text_id]), self.length),
            "word": np.tile(np.arange(self.length), self.n_sentences[text_id]),
            "text": [f"{self.classes[c]}{n}" for c, n in zip(class_W, number_W, strict=True)],
        }
        return pa.table({name: table[name] for name in columns})

    def word_tokens(self, tokens_id: str, columns: Sequence[str]) -> pa.Table:
        rows = [
            {"example": s, "word": w, "first_token": 2 * w, "last_token": 2 * w + 1}
            for s in range(self.n_sentences[tokens_id])
            for w in range(self.length)
        ]
        return pa.Table.from_pylist(rows, schema=WORD_TOKENS).select(list(columns))

    def tokens(self, tokens_id: str, columns: Sequence[str], rows: tuple[int, int] | None = None) -> pa.Table:
        n, each = self.n_sentences[tokens_id], 2 * self.length
        table = {
            "example": np.repeat(np.arange(n), each),
            "token": np.tile(np.arange(each), n),
            "row": np.arange(n * each),
        }
        return pa.table({name: table[name] for name in columns})

    def gather(self, run_id: str, site: str, row_T: npt.NDArray[np.int64]) -> npt.NDArray[Any]:
        self.read[site] = self.read.get(site, 0) + len(row_T)
        layer = int(site[1:])
        noise = np.random.default_rng([self.seed, layer, sum(run_id.encode())])
        all_WD = noise.normal(size=(self.n_sentences[run_id] * self.length, self.width))
        plain_WD = np.eye(self.width)[self.word_class(run_id)] * 3
        value_WD = {0: plain_WD + 0.3 * all_WD, 1: plain_WD + 1.5 * all_WD, 2: all_WD}[layer]
        return np.asarray(value_WD[row_T // 2], dtype=np.float32)

    def scan(self, run_id: str, site: str, *, rows_per_step: int) -> Iterator[tuple[Any, Any]]:
        raise AssertionError("rows are gathered")
