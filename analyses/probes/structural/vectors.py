"""WordVectors: the words of a treebank over one run, kept in memory or read when asked for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from actstore.errors import WorkError
from actstore.schema.ports import ActivationSource
from actstore.schema.refs import layer_site
from analyses.probes.structural.treebank import Treebank
from analyses.readers.word_means import word_means

Ints = npt.NDArray[np.int64]
WORDS_PER_READ = 8192


@dataclass(frozen=True, slots=True, kw_only=True)
class WordVectors:
    """Vectors of the words of a treebank; the same numbers whether they are kept or not."""

    source: ActivationSource
    run_id: str
    width: int
    bank: Treebank
    pool: str = "mean"
    """Of a word's tokens: "mean" or "first"."""
    kept: Mapping[int, npt.NDArray[Any]] = field(default_factory=dict, repr=False)
    """An array [V, D] for each layer in memory, as stored; other layers are read when asked for."""

    def keep(self, layers: Sequence[int]) -> "WordVectors":
        """The same with all its words at some layers in memory, read in one pass over each."""
        return replace(self, kept={layer: self._read_layer(layer) for layer in layers})

    def batch(self, sentence_B: Ints, layers: Sequence[int]) -> npt.NDArray[np.float32]:
        """The words of some sentences, one after the other, at some layers: [L, words, D] float32."""
        first_B, end_B = self.bank.offset_S1[sentence_B], self.bank.offset_S1[sentence_B + 1]
        word_N = np.concatenate([np.arange(first, end) for first, end in zip(first_B, end_B, strict=True)])
        out_LND = np.empty((len(layers), len(word_N), self.width), dtype=np.float32)
        for at, layer in enumerate(layers):
            kept = self.kept.get(layer)
            out_LND[at] = self._read(layer, word_N) if kept is None else kept[word_N]
        return out_LND

    def _read_layer(self, layer: int) -> npt.NDArray[Any]:
        starts = range(0, self.bank.n_words_in_all, WORDS_PER_READ)
        steps = [np.arange(first, min(first + WORDS_PER_READ, self.bank.n_words_in_all)) for first in starts]
        return np.concatenate([self._read(layer, word_N) for word_N in steps])

    def _read(self, layer: int, word_N: Ints) -> npt.NDArray[Any]:
        """Some words at one layer, [N, D], in the dtype of the run's values."""
        first_N = self.bank.first_row_V[word_N]
        n_N = np.ones_like(first_N) if self.pool == "first" else self.bank.n_tokens_V[word_N]
        begin_N = np.cumsum(n_N) - n_N
        row_T = np.repeat(first_N - begin_N, n_N) + np.arange(n_N.sum())
        value_TD = self.source.gather(self.run_id, layer_site(layer), row_T)
        mean_ND = value_TD if (n_N == 1).all() else word_means(value_TD, begin_N, n_N)
        self._refuse_bad(layer, word_N, mean_ND)
        return mean_ND

    def _refuse_bad(self, layer: int, word_N: Ints, value_ND: npt.NDArray[Any]) -> None:
        bad_N = ~np.isfinite(value_ND).all(axis=1)
        if bad_N.any():
            word = int(word_N[np.argmax(bad_N)])
            sentence = int(np.searchsorted(self.bank.offset_S1, word, side="right")) - 1
            raise WorkError(
                f"run {self.run_id}, {layer_site(layer)}, example {self.bank.example_S[sentence]}, word "
                f"{word - self.bank.offset_S1[sentence]} is not finite; check the run with `actstore verify`"
            )


def batches(order: Ints, size: int) -> list[Ints]:
    """Sentences in batches, in the given order."""
    return [order[first : first + size] for first in range(0, len(order), size)]
