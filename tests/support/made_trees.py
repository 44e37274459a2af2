"""A treebank whose activations are known: tables in memory, as a source of activations and trees."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from actstore.schema.text import WORD_LABELS
from actstore.schema.tokens import WORD_TOKENS
from analyses.probes.structural.trees import path_edges

Heads = Sequence[npt.NDArray[np.int64]]


@dataclass(frozen=True, kw_only=True)
class MadeTrees:
    """Implements ActivationSource and LabelSource for one corpus; a word has `tokens_a_word` tokens."""

    heads: Mapping[str, Heads]
    """By corpus, which is text, tokenisation and run at once."""
    layers: Mapping[str, npt.NDArray[np.float32]]
    """By corpus, [layer, word, D]: what the mean of a word's tokens is."""
    tokens_a_word: int = 2
    lost: Mapping[str, frozenset[int]] = field(default_factory=dict)
    """Words (of all words of a corpus) without tokens."""
    xpos: str = "NN"

    def labels(self, text_id: str, name: str, hash_: str) -> pa.Table:
        assert (name, hash_) == ("words", f"{text_id}-trees")
        rows = [
            {"example": s, "word": w, "upos": "X", "xpos": self.xpos, "head": int(h), "deprel": "dep"}
            for s, head in enumerate(self.heads[text_id])
            for w, h in enumerate(head)
        ]
        return pa.Table.from_pylist(rows, schema=WORD_LABELS)

    def word_tokens(self, tokens_id: str, columns: Sequence[str]) -> pa.Table:
        rows, number = [], 0
        for s, head in enumerate(self.heads[tokens_id]):
            for w in range(len(head)):
                first = None if number in self.lost.get(tokens_id, ()) else w * self.tokens_a_word
                last = None if first is None else first + self.tokens_a_word - 1
                rows.append({"example": s, "word": w, "first_token": first, "last_token": last})
                number += 1
        return pa.Table.from_pylist(rows, schema=WORD_TOKENS).select(list(columns))

    def tokens(self, tokens_id: str, columns: Sequence[str], rows: tuple[int, int] | None = None) -> pa.Table:
        counts = [len(head) * self.tokens_a_word for head in self.heads[tokens_id]]
        table = {
            "example": np.repeat(np.arange(len(counts)), counts),
            "token": np.concatenate([np.arange(count) for count in counts]),
            "row": np.arange(sum(counts)),
        }
        return pa.table({name: table[name] for name in columns})

    def gather(self, run_id: str, site: str, row_T: npt.NDArray[np.int64]) -> npt.NDArray[Any]:
        word_T, place_T = np.divmod(row_T, self.tokens_a_word)
        sign_T = np.where(place_T % 2, 1.0, -1.0) * (place_T < self.tokens_a_word // 2 * 2)
        value_TD = self.layers[run_id][int(site[1:]), word_T] + 0.25 * sign_T[:, None]
        return np.asarray(value_TD, dtype=np.float32)

    def scan(self, run_id: str, site: str, *, rows_per_step: int) -> Iterator[tuple[Any, Any]]:
        raise AssertionError("words are gathered")


def random_heads(
    n_sentences: int, seed: int, lengths: tuple[int, int] = (5, 12)
) -> list[npt.NDArray[np.int64]]:
    """Random trees: each word of a shuffled order hangs from an earlier one."""
    rng = np.random.default_rng(seed)
    out = []
    for _ in range(n_sentences):
        order = rng.permutation(rng.integers(*lengths, endpoint=True))
        head = np.empty(len(order), dtype=np.int64)
        head[order[0]] = order[0]
        for at in range(1, len(order)):
            head[order[at]] = order[rng.integers(at)]
        out.append(head)
    return out


def perfect_vectors(heads: Heads, width: int) -> npt.NDArray[np.float32]:
    """Edges to the root of each word, [words, width]: distances and depths under the identity."""
    rows = [np.pad(path_edges(head), ((0, 0), (0, width - len(head)))) for head in heads]
    return np.concatenate(rows).astype(np.float32)
