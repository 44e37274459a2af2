"""BatchForward: batches of one shard through the model, with what is done about poison and about memory.

A batch the model raises on is run sequence by sequence and the raising ones are named. A batch that does not
fit into memory is halved, once the run has a receipt; before that the shard fails and says which
tokens_per_batch fits, because a run whose batches are halved from the start promises no hash.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from actstore.errors import ActstoreError, CapacityError, ModelError
from actstore.extract.inputs import ShardInputs
from actstore.schema.ports import Extractor
from actstore.schema.receipts import Quarantined

ALL_FAIL = 8
"""Where this many sequences are a batch and each of them fails alone too, the model is at fault."""
REASON_CHARACTERS = 500

Placed = tuple[npt.NDArray[np.int64], Mapping[str, npt.NDArray[np.float32]]]
"""Rows [T] of the run, and each site's values [T, D] for them."""


@dataclass(frozen=True, slots=True)
class _Refused:
    """Why a batch gave no values, without the exception, whose traceback would hold its memory."""

    reason: str
    too_large: bool


class BatchForward:
    """One shard's batches. `may_halve` tells whether the run has a receipt already."""

    def __init__(self, extractor: Extractor, inputs: ShardInputs, may_halve: Callable[[], bool]) -> None:
        self._extractor, self._inputs, self._may_halve = extractor, inputs, may_halve
        self.failed: list[Quarantined] = []
        self.n_halved = 0
        """Planned batches that did not fit and were cut: their last bits are not those of the plan."""

    def values(self, positions: list[int], tokens_per_batch: int) -> list[Placed]:
        """Activations of a batch of the plan, in pieces; poison is left out and noted in `failed`.

        Raises CapacityError naming what fits, ModelError where each of many sequences fails alone.
        """
        found = self._try(positions)
        if not isinstance(found, _Refused):
            return [(self._inputs.rows(positions), found)]
        if not found.too_large:
            return self._one_by_one(positions, found.reason)
        if not self._may_halve():
            raise self._what_fits(tokens_per_batch, found.reason)
        self.n_halved += 1
        return self._halved(positions, found.reason)

    def _halved(self, positions: list[int], reason: str) -> list[Placed]:
        if len(positions) == 1:
            raise CapacityError(_not_even_one(self._inputs.longest(positions), reason))
        middle = len(positions) // 2
        out: list[Placed] = []
        for half in (positions[:middle], positions[middle:]):
            found = self._try(half)
            if not isinstance(found, _Refused):
                out.append((self._inputs.rows(half), found))
            elif found.too_large:
                out += self._halved(half, found.reason)
            else:
                out += self._one_by_one(half, found.reason)
        return out

    def _one_by_one(self, positions: list[int], reason: str) -> list[Placed]:
        """Each sequence alone, as one of them made the model raise."""
        out: list[Placed] = []
        n_before = len(self.failed)
        for position in positions:
            alone = _Refused(reason, too_large=False) if len(positions) == 1 else self._try([position])
            if not isinstance(alone, _Refused):
                out.append((self._inputs.rows([position]), alone))
            elif alone.too_large:
                raise CapacityError(_not_even_one(self._inputs.longest([position]), alone.reason))
            else:
                example = int(self._inputs.sequences.example_S[position])
                self.failed.append(Quarantined(example=example, reason=alone.reason))
        n_failed = len(self.failed) - n_before
        if n_failed == len(positions) >= ALL_FAIL:
            raise ModelError(
                f"the model fails on each of the {n_failed} sequences of a batch: {self.failed[-1].reason}"
            )
        return out

    def _what_fits(self, tokens_per_batch: int, reason: str) -> CapacityError:
        """Halve the budget until the largest batches of its plan go through."""
        budget, longest = tokens_per_batch, int(self._inputs.sequences.n_tokens_S.max())
        while budget > longest:
            budget = max(longest, budget // 2)
            if self._fits(budget):
                return CapacityError(
                    f"memory does not suffice for tokens_per_batch = {tokens_per_batch}; {budget} fits here: "
                    f"set tokens_per_batch = {budget} under [extract] ({reason})"
                )
        return CapacityError(_not_even_one(longest, reason))

    def _fits(self, tokens_per_batch: int) -> bool:
        plan = self._inputs.plan(tokens_per_batch)
        largest = max(plan, key=self._inputs.padded_tokens)
        longest = max(plan, key=self._inputs.longest)
        for positions in (largest, longest):
            found = self._try(positions)
            if isinstance(found, _Refused) and found.too_large:
                return False
        return True

    def _try(self, positions: list[int]) -> Mapping[str, npt.NDArray[np.float32]] | _Refused:
        try:
            return self._extractor.forward(self._inputs.batch(positions))
        except CapacityError as error:
            return _Refused(str(error), too_large=True)
        except ActstoreError:
            raise
        except Exception as error:  # noqa: BLE001  a poison example must not cost the others their values
            return _Refused(f"{type(error).__name__}: {error}"[:REASON_CHARACTERS], too_large=False)


def _not_even_one(n_tokens: int, reason: str) -> str:
    return (
        f"memory does not suffice for one sequence of {n_tokens} tokens alone; set a smaller max_length for "
        f'the corpus, fewer sites or compute_dtype = "bfloat16", or use a worker with more memory ({reason})'
    )
