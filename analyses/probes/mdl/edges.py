"""EdgeSet: the targets of a split with where their activations are, in memory or in the source."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import torch
from torch import Tensor

from actstore.schema.ports import ActivationSource
from actstore.schema.refs import layer_site
from analyses.probes.edge.batch import EdgeBatch, RowReader
from analyses.probes.edge.target_set import TargetSet, target_set
from analyses.probes.scan.held import hold
from analyses.readers.spans import SpanRows
from analyses.readers.word_places import WordPlaces

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgeSet:
    """Gives batches of sentences by their number."""

    labelled: TargetSet
    rows: RowReader = field(repr=False)

    @property
    def n_sentences(self) -> int:
        return self.labelled.n_sentences

    @property
    def n_targets(self) -> int:
        return self.labelled.n_targets

    @property
    def spans(self) -> tuple[SpanRows, ...]:
        return self.labelled.spans

    @property
    def n_without_tokens(self) -> int:
        return self.labelled.n_without_tokens

    @property
    def n_without_values(self) -> int:
        return self.labelled.n_without_values

    def targets(self, sentence_N: Ints) -> Ints:
        """The targets of some sentences, one sentence after the other."""
        return self.labelled.targets(sentence_N)

    def batch(self, sentence_N: Ints, device: torch.device) -> EdgeBatch:
        """The targets of some sentences."""
        return self.labelled.batch(sentence_N, self.rows, device)


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceRows:
    """Rows read when a batch asks for them, where they are too many to be held; implements RowReader."""

    source: ActivationSource
    run_id: str
    layers: tuple[int, ...]

    def batch(self, row_T: Ints, device: torch.device) -> Tensor:
        """[L, T, D] float32."""
        found = [self.source.gather(self.run_id, layer_site(layer), row_T) for layer in self.layers]
        return torch.from_numpy(np.stack([values.astype(np.float32) for values in found])).to(device)


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
    found = target_set(table, places, labels, excluded)
    rows: RowReader = SourceRows(source=source, run_id=run_id, layers=layers)
    if keep and found.n_targets:
        rows = hold(source, run_id, layers, found.rows()[0])
    return EdgeSet(labelled=found, rows=rows)
