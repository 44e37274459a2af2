"""WordSet: words with one label each, over the shared scan; a word is the mean of its tokens."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from analyses.probes.edge.target_set import TargetSet
from analyses.probes.scan.held import HeldRows

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class WordBatch:
    """V words at each layer, their labels and those of the control task."""

    value_LVD: Tensor
    label_V: Tensor
    control_V: Tensor


@dataclass(frozen=True, slots=True, kw_only=True)
class WordSet:
    """The words of a split; of targets with two spans the first one."""

    targets: TargetSet
    label_V: Ints
    type_V: Ints
    """Which word type each is."""

    @property
    def n_words(self) -> int:
        return len(self.label_V)

    def batch(
        self, sentence_N: Ints, rows: HeldRows, control_of_type: Ints, device: torch.device
    ) -> WordBatch:
        """The words of some sentences."""
        found = self.targets.batch(sentence_N, rows, device)
        spans, n_words = found.spans[0], found.n_targets
        value_LQD = found.value_LTD.index_select(1, spans.token_Q)
        n_layers, _, width = value_LQD.shape
        sum_LVD = value_LQD.new_zeros(n_layers, n_words, width).index_add(1, spans.target_Q, value_LQD)
        n_tokens_V = torch.bincount(spans.target_Q, minlength=n_words)
        word_V = self.targets.targets(sentence_N)
        return WordBatch(
            value_LVD=sum_LVD / n_tokens_V[:, None],
            label_V=torch.from_numpy(self.label_V[word_V]).to(device),
            control_V=torch.from_numpy(control_of_type[self.type_V[word_V]]).to(device),
        )
