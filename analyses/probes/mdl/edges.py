"""EdgeSet: the targets of a label set in one tokenisation, with the activations of their spans' tokens.

A target whose span has no tokens is left out and counted. Sentences are examples with targets.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import torch
from torch import Tensor

from actstore.schema.ports import ActivationSource
from actstore.schema.refs import layer_site
from analyses.readers.spans import SpanRows, span_rows
from analyses.readers.targets import Targets, targets_of
from analyses.readers.word_places import WordPlaces

Ints = npt.NDArray[np.int64]
ROWS_PER_READ = 8192


@dataclass(frozen=True, slots=True, kw_only=True)
class Spans:
    """Which tokens (of the batch's) each of B targets' span has, ragged."""

    token_Q: Tensor
    target_Q: Tensor


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgeBatch:
    """B targets, the T tokens of their spans at each layer, and their labels."""

    value_LTD: Tensor
    spans: tuple[Spans, ...]
    label_BK: Tensor
    """0 or 1, float32."""

    @property
    def n_targets(self) -> int:
        return len(self.label_BK)


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgeSet:
    """S sentences with targets; those of sentence i are offset_S1[i] to offset_S1[i + 1]."""

    source: ActivationSource
    run_id: str
    layers: tuple[int, ...]
    offset_S1: Ints
    spans: tuple[SpanRows, ...]
    label_BK: npt.NDArray[np.bool_]
    n_without_tokens: int
    """Targets left out because a span of theirs has no tokens."""
    n_without_values: int
    """Targets left out because a run has no values for their sentence."""
    row_R: Ints
    """Rows of the token axis that some span has, ascending."""
    kept: Mapping[int, npt.NDArray[Any]] = field(default_factory=dict, repr=False)
    """By layer the activations of these rows, as stored; empty where they are read when asked for."""

    @property
    def n_sentences(self) -> int:
        return len(self.offset_S1) - 1

    @property
    def n_targets(self) -> int:
        return len(self.label_BK)

    def targets(self, sentence_N: Ints) -> Ints:
        """The targets of some sentences, one sentence after the other."""
        pairs = zip(self.offset_S1[sentence_N], self.offset_S1[sentence_N + 1], strict=True)
        return np.concatenate([np.arange(first, end) for first, end in pairs])

    def batch(self, sentence_N: Ints, device: torch.device) -> EdgeBatch:
        """The targets of some sentences."""
        target_B = self.targets(sentence_N)
        ragged = [_ragged(spans, target_B) for spans in self.spans]
        row_T, token_Q = np.unique(np.concatenate([row_Q for row_Q, _ in ragged]), return_inverse=True)
        at = np.cumsum([0, *(len(row_Q) for row_Q, _ in ragged)])
        return EdgeBatch(
            value_LTD=torch.from_numpy(self._values(row_T)).to(device),
            spans=tuple(
                Spans(
                    token_Q=torch.from_numpy(token_Q[at[i] : at[i + 1]]).to(device),
                    target_Q=torch.from_numpy(target_Q).to(device),
                )
                for i, (_, target_Q) in enumerate(ragged)
            ),
            label_BK=torch.from_numpy(self.label_BK[target_B].astype(np.float32)).to(device),
        )

    def _values(self, row_T: Ints) -> npt.NDArray[np.float32]:
        if self.kept:
            at_T = np.searchsorted(self.row_R, row_T)
            return np.stack([self.kept[layer][at_T].astype(np.float32) for layer in self.layers])
        found = [self.source.gather(self.run_id, layer_site(layer), row_T) for layer in self.layers]
        return np.stack([values.astype(np.float32) for values in found])


def edge_set(
    source: ActivationSource,
    run_id: str,
    *,
    layers: tuple[int, ...],
    table: pa.Table,
    places: WordPlaces,
    labels: tuple[str, ...],
    excluded: Sequence[int] = (),
    keep: bool = True,
) -> EdgeSet:
    """The targets of a label set (columns of SPAN_LABELS) over one run; `keep`: activations are held."""
    found = targets_of(table, labels)
    ends = [found.span1_S2, *([] if found.span2_S2 is None else [found.span2_S2])]
    spans = [span_rows(places, found.example_S, end_S2[:, 0], end_S2[:, 1]) for end_S2 in ends]
    empty_S = np.any([one.is_empty for one in spans], axis=0)
    gone_S = np.isin(found.example_S, np.asarray(excluded, dtype=np.int64))
    kept_S = np.flatnonzero(~(empty_S | gone_S))
    spans = [_select(one, kept_S) for one in spans]
    row_R = np.unique(np.concatenate([one.row_T for one in spans])) if len(kept_S) else np.zeros(0, np.int64)
    made = EdgeSet(
        source=source,
        run_id=run_id,
        layers=layers,
        offset_S1=_offsets(found, kept_S),
        spans=tuple(spans),
        label_BK=found.label_SK[kept_S],
        n_without_tokens=int((empty_S & ~gone_S).sum()),
        n_without_values=int(gone_S.sum()),
        row_R=row_R,
    )
    return replace(made, kept={layer: _read(made, layer) for layer in layers}) if keep else made


def _read(data: EdgeSet, layer: int) -> npt.NDArray[Any]:
    """All rows that some span has, at one layer, in one pass."""
    steps = range(0, max(1, len(data.row_R)), ROWS_PER_READ)
    rows = [data.row_R[first : first + ROWS_PER_READ] for first in steps]
    return np.concatenate([data.source.gather(data.run_id, layer_site(layer), row_T) for row_T in rows])


def _offsets(found: Targets, kept_S: Ints) -> Ints:
    example_B = found.example_S[kept_S]
    starts = np.flatnonzero(np.append(True, np.diff(example_B) != 0)) if len(example_B) else np.zeros(0, int)
    return np.append(starts, len(example_B)).astype(np.int64)


def _ragged(spans: SpanRows, target_B: Ints) -> tuple[Ints, Ints]:
    """(rows, which of the targets) of every token of the targets' spans."""
    n_B = spans.n_rows[target_B]
    begin_B = np.cumsum(n_B) - n_B
    place_Q = np.arange(n_B.sum()) + np.repeat(spans.offset_S1[target_B] - begin_B, n_B)
    return spans.row_T[place_Q], np.repeat(np.arange(len(target_B)), n_B)


def _select(spans: SpanRows, target_B: Ints) -> SpanRows:
    row_Q, _ = _ragged(spans, target_B)
    offset = np.concatenate([np.zeros(1, np.int64), np.cumsum(spans.n_rows[target_B])])
    return SpanRows(row_T=row_Q, offset_S1=offset, n_vanished_words=spans.n_vanished_words)
