"""Features: what training reads of a corpus, as flat arrays. Knows no torch and no store.

A sequence is what a model sees at once: an example, or one window of it. The trunk starts from token ids, or
from activations that are gathered batch by batch, so that memory is that of one batch, not of the corpus.
"""

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from actstore.errors import CorpusError

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Features:
    """Token sequences, one after the other; sequence i is the tokens offset[i] to offset[i + 1]."""

    token_id_T: npt.NDArray[np.int32]
    segment_T: npt.NDArray[np.int8]
    special_T: npt.NDArray[np.bool_]
    row_T: Ints
    """Each token's row in every run over this tokenisation."""
    offset_S1: Ints
    example_S: Ints

    @property
    def n_sequences(self) -> int:
        return len(self.example_S)

    @property
    def length_S(self) -> Ints:  # noqa: N802 (a shape suffix)
        return np.diff(self.offset_S1)

    def tokens_of(self, sequence_N: Ints) -> Ints:
        """Places of the sequences' tokens, one sequence after the other: [N] -> [T]."""
        length_N = self.length_S[sequence_N]
        first_N = self.offset_S1[sequence_N] - np.concatenate([[0], np.cumsum(length_N)[:-1]])
        return np.repeat(first_N, length_N) + np.arange(int(length_N.sum()))


@dataclass(frozen=True, slots=True, kw_only=True)
class Targets:
    """What a batch is trained on or scored by; arrays are padded like the batch."""

    arrays: dict[str, npt.NDArray[Any]]
    n_targets: int
    """Things the loss is the mean of: sequences, words or masked tokens."""
    token_id_T: npt.NDArray[np.int32] | None = None
    """Token ids in place of the features' (masked ones)."""


class TaskData(Protocol):
    """A corpus as one task sees it. Implementations: NliData, SquadData, DepData, MlmData."""

    @property
    def features(self) -> Features: ...

    def targets(self, sequence_N: Ints, longest: int, draws: np.random.Generator) -> Targets:
        """Targets of a batch whose longest sequence has `longest` tokens."""
        ...


class Activations(Protocol):
    """Where stored activations come from. Implementations: an array, and a run of a store."""

    def gather(self, row_T: Ints) -> npt.NDArray[Any]:
        """Activations [T, D] of the given rows, in that order."""
        ...


@dataclass(frozen=True, slots=True)
class ArrayActivations:
    """Activations that lie in memory (or in a memory map), a row each."""

    value_RD: npt.NDArray[Any]

    def gather(self, row_T: Ints) -> npt.NDArray[Any]:
        return self.value_RD[row_T]


def features_of(tokens: pa.Table) -> Features:
    """From a token table (schema.tokens.TOKENS, in its order). Raises CorpusError where it is empty."""
    if not len(tokens):
        raise CorpusError("the corpus has no tokens; name one with examples in it")
    example_T = _column(tokens, "example", np.int64)
    window_T = _column(tokens, "window", np.int64)
    begins_T = (np.diff(example_T, prepend=-1) != 0) | (np.diff(window_T, prepend=-1) != 0)
    first_S = np.flatnonzero(begins_T)
    return Features(
        token_id_T=_column(tokens, "token_id", np.int32),
        segment_T=_column(tokens, "segment", np.int8),
        special_T=tokens["special"].combine_chunks().to_numpy(zero_copy_only=False).astype(np.bool_),
        row_T=_column(tokens, "row", np.int64),
        offset_S1=np.append(first_S, len(example_T)),
        example_S=example_T[first_S],
    )


def _column(table: pa.Table, name: str, dtype: type[np.generic]) -> npt.NDArray[Any]:
    values: npt.NDArray[Any] = table[name].combine_chunks().fill_null(0).to_numpy(zero_copy_only=False)
    return values.astype(dtype)
