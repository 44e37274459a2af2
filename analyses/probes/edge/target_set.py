"""TargetSet: the targets of a label set in one tokenisation, by sentence. Holds no activations.

A target one of whose spans has no tokens, or whose sentence has no values, is left out and counted. Sentences
are examples with targets.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import torch

from analyses.probes.edge.batch import EdgeBatch, RowReader, Spans
from analyses.readers.spans import SpanRows, span_rows
from analyses.readers.targets import targets_of
from analyses.readers.word_places import WordPlaces

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetSet:
    """S sentences with B targets; those of sentence i are offset_S1[i] to offset_S1[i + 1]."""

    example_S: Ints
    """Ascending."""
    offset_S1: Ints
    spans: tuple[SpanRows, ...]
    """One for each span that targets have, of all targets."""
    label_BK: npt.NDArray[np.bool_]
    target_B: Ints
    """Which target of its sentence each is, as the label set numbers them."""
    start_B: Ints
    """First word of each target's first span."""
    n_without_tokens: int
    """Targets left out because a span of theirs has no tokens."""
    n_without_values: int
    """Targets left out because a run has no values for their sentence."""

    @property
    def n_sentences(self) -> int:
        return len(self.example_S)

    @property
    def n_targets(self) -> int:
        return len(self.label_BK)

    @property
    def examples(self) -> Ints:
        """Each target's example."""
        return np.repeat(self.example_S, np.diff(self.offset_S1))

    def rows(self) -> tuple[Ints, Ints]:
        """Rows of the token axis that some span has, ascending, and the example of each."""
        example_B = self.examples
        row_Q = np.concatenate([one.row_T for one in self.spans])
        example_Q = np.concatenate([np.repeat(example_B, one.n_rows) for one in self.spans])
        row_R, first_R = np.unique(row_Q, return_index=True)
        return row_R, example_Q[first_R]

    def targets(self, sentence_N: Ints) -> Ints:
        """The targets of some sentences, one sentence after the other."""
        pairs = zip(self.offset_S1[sentence_N], self.offset_S1[sentence_N + 1], strict=True)
        return np.concatenate([np.arange(first, end) for first, end in pairs])

    def batch(self, sentence_N: Ints, rows: RowReader, device: torch.device) -> EdgeBatch:
        """The targets of some sentences, their activations out of `rows`."""
        target_B = self.targets(sentence_N)
        ragged = [ragged_rows(spans, target_B) for spans in self.spans]
        row_T, token_Q = np.unique(np.concatenate([row_Q for row_Q, _ in ragged]), return_inverse=True)
        at = np.cumsum([0, *(len(row_Q) for row_Q, _ in ragged)])
        return EdgeBatch(
            value_LTD=rows.batch(row_T, device),
            spans=tuple(
                Spans(
                    token_Q=torch.from_numpy(token_Q[at[i] : at[i + 1]]).to(device),
                    target_Q=torch.from_numpy(target_Q).to(device),
                )
                for i, (_, target_Q) in enumerate(ragged)
            ),
            label_BK=torch.from_numpy(self.label_BK[target_B].astype(np.float32)).to(device),
        )


def target_set(
    table: pa.Table, places: WordPlaces, labels: tuple[str, ...], excluded: Sequence[int] = ()
) -> TargetSet:
    """The targets of a label set (columns of SPAN_LABELS); `excluded`: examples without values.

    Raises WorkError for a span that is not in its sentence.
    """
    found = targets_of(table, labels)
    ends = [found.span1_S2, *([] if found.span2_S2 is None else [found.span2_S2])]
    spans = [span_rows(places, found.example_S, end_S2[:, 0], end_S2[:, 1]) for end_S2 in ends]
    empty_S = np.any([one.is_empty for one in spans], axis=0)
    gone_S = np.isin(found.example_S, np.asarray(excluded, dtype=np.int64))
    kept_B = np.flatnonzero(~(empty_S | gone_S))
    example_S, first_S = np.unique(found.example_S[kept_B], return_index=True)
    first_of_example_S = np.searchsorted(found.example_S, found.example_S)
    return TargetSet(
        example_S=example_S,
        offset_S1=np.append(first_S, len(kept_B)).astype(np.int64),
        spans=tuple(_select(one, kept_B) for one in spans),
        label_BK=found.label_SK[kept_B],
        start_B=found.span1_S2[kept_B, 0],
        target_B=(np.arange(found.n_targets) - first_of_example_S)[kept_B],
        n_without_tokens=int((empty_S & ~gone_S).sum()),
        n_without_values=int(gone_S.sum()),
    )


def ragged_rows(spans: SpanRows, target_B: Ints) -> tuple[Ints, Ints]:
    """(rows, which of the targets) of every token of the targets' spans."""
    n_B = spans.n_rows[target_B]
    begin_B = np.cumsum(n_B) - n_B
    place_Q = np.arange(n_B.sum()) + np.repeat(spans.offset_S1[target_B] - begin_B, n_B)
    return spans.row_T[place_Q], np.repeat(np.arange(len(target_B)), n_B)


def _select(spans: SpanRows, target_B: Ints) -> SpanRows:
    row_Q, _ = ragged_rows(spans, target_B)
    offset = np.concatenate([np.zeros(1, np.int64), np.cumsum(spans.n_rows[target_B])])
    return SpanRows(row_T=row_Q, offset_S1=offset, n_vanished_words=spans.n_vanished_words)
