"""ShardInputs: the token ids of one shard's sequences, their batches and their rows. Knows no model."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from actstore.errors import ModelError
from actstore.plan.batching import batches
from actstore.plan.sequences import SequenceIndex
from actstore.schema.receipts import Quarantined
from actstore.schema.spec import RunSpec
from actstore.schema.tokens import TokenBatch
from actstore.store.objects import Objects
from actstore.store.tokens import read_inputs

ADOPTED_EMPTY = "another driver stored this shard without values for it"


@dataclass(frozen=True, slots=True, kw_only=True)
class ShardInputs:
    """Token ids and segments of a shard's sequences, one after the other."""

    sequences: SequenceIndex
    token_id_T: npt.NDArray[np.int32]
    segment_T: npt.NDArray[np.int8]
    offset_S1: npt.NDArray[np.int64]

    @classmethod
    def read(cls, objects: Objects, spec: RunSpec, shard: int, index: SequenceIndex) -> "ShardInputs":
        """Raises ModelError where the tokenisation's tables do not agree."""
        rows = spec.shard_range(shard)
        token_id_T, segment_T = read_inputs(objects, spec.text_id, spec.tokens_id, rows)
        sequences = index.within_rows(*rows)
        offset_S1 = np.concatenate([[0], np.cumsum(sequences.n_tokens_S)]).astype(np.int64)
        if offset_S1[-1] != len(token_id_T):
            raise ModelError(
                f"shard {shard}: {len(token_id_T)} tokens are stored for sequences of {offset_S1[-1]}; "
                "the tokenisation is damaged, remove it and extract again"
            )
        return cls(sequences=sequences, token_id_T=token_id_T, segment_T=segment_T, offset_S1=offset_S1)

    def plan(self, tokens_per_batch: int) -> list[list[int]]:
        """Positions of the sequences of each batch."""
        return batches(self.sequences.n_tokens_S, tokens_per_batch)

    def padded_tokens(self, positions: Sequence[int]) -> int:
        """Size of a batch as the model sees it: sequences x longest."""
        return len(positions) * self.longest(positions)

    def longest(self, positions: Sequence[int]) -> int:
        """Tokens of a batch's longest sequence."""
        return int(self.sequences.n_tokens_S[positions].max())

    def batch(self, positions: Sequence[int]) -> TokenBatch:
        """The tokens of a batch."""
        taken_T = np.concatenate([np.arange(self.offset_S1[i], self.offset_S1[i + 1]) for i in positions])
        lengths_S = self.sequences.n_tokens_S[positions]
        return TokenBatch(
            token_id_T=self.token_id_T[taken_T],
            segment_T=self.segment_T[taken_T],
            offset_N1=np.concatenate([[0], np.cumsum(lengths_S)]).astype(np.int64),
        )

    def rows(self, positions: Sequence[int]) -> npt.NDArray[np.int64]:
        """Rows of the whole run of a batch's tokens."""
        spans = [(self.sequences.first_row_S[i], self.sequences.n_tokens_S[i]) for i in positions]
        return np.concatenate([np.arange(first, first + n) for first, n in spans])

    def quarantined(
        self, empty_R: npt.NDArray[np.bool_], first_row: int, failed: Sequence[Quarantined]
    ) -> list[Quarantined]:
        """The examples without values in the stored bytes, whoever stored them, and why."""
        reasons = {item.example: item.reason for item in reversed(failed)}
        example_T = np.repeat(self.sequences.example_S, self.sequences.n_tokens_S)
        empty_T = empty_R[self.sequences.rows() - first_row]
        return [
            Quarantined(example=example, reason=reasons.get(example, ADOPTED_EMPTY))
            for example in np.unique(example_T[empty_T]).tolist()
        ]

    def example_of_row(self, row: int) -> int:
        """The example that a row of the run belongs to."""
        position = int(np.searchsorted(self.sequences.first_row_S, row, side="right")) - 1
        return int(self.sequences.example_S[position])
