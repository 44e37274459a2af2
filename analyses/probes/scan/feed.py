"""Feed: the rows that probes need of a run, epoch by epoch: kept in memory, or read pool by pool ahead."""

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from actstore.schema.ports import ActivationSource
from analyses.probes.scan.held import HeldRows, hold
from analyses.probes.scan.pools import deal, n_pools_for, stretches

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Needed:
    """R rows, ascending, each of one example, at some layers of a run: the union over all probes."""

    run_id: str
    layers: tuple[int, ...]
    row_R: Ints
    example_R: Ints
    """Ascending too: examples lie one after the other."""

    @property
    def n_rows(self) -> int:
        return len(self.row_R)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """Examples that are in memory together."""

    example_N: Ints
    """Ascending."""
    rows: HeldRows

    def members(self, example_S: Ints) -> Ints:
        """Which of a set's sentences, by their example (ascending), are here: places in the set."""
        return np.flatnonzero(np.isin(example_S, self.example_N, assume_unique=True))


class Feed:
    """Gives pools. Memory: at most `kept_bytes` of activations, whatever the corpus (one pool at least)."""

    def __init__(
        self, source: ActivationSource, needed: Needed, *, row_bytes: int, kept_bytes: int, seed: int = 0
    ) -> None:
        """`row_bytes`: of one row at one layer."""
        self.source, self.needed, self.seed = source, needed, seed
        self.example_N, first_N = np.unique(needed.example_R, return_index=True)
        self.edge_N1 = np.append(first_N, needed.n_rows)
        n_bytes = needed.n_rows * len(needed.layers) * row_bytes
        self.n_pools = min(n_pools_for(n_bytes, kept_bytes), max(1, len(self.example_N)))
        self._cut = stretches(np.diff(self.edge_N1), self.n_pools) if self.is_streamed else []
        self._kept: Pool | None = None

    @property
    def is_streamed(self) -> bool:
        """Whether more is needed than fits in memory."""
        return self.n_pools > 1

    def pools(self, epoch: int) -> Iterator[Pool]:
        """The pools of an epoch, all examples in one where they fit; the next is read while one is used."""
        if not self.is_streamed:
            if self._kept is None:
                self._kept = Pool(example_N=self.example_N, rows=self._hold(self.needed.row_R))
            yield self._kept
            return
        yield from self._ahead(deal(self._cut, self.n_pools, self.seed, epoch))

    def _ahead(self, hands: Sequence[Ints]) -> Iterator[Pool]:
        with ThreadPoolExecutor(1, thread_name_prefix="scan") as reader:
            waiting: Future[Pool] = reader.submit(self._pool, hands[0])
            for number in range(len(hands)):
                pool = waiting.result()
                if number + 1 < len(hands):
                    waiting = reader.submit(self._pool, hands[number + 1])
                yield pool
                del pool

    def _pool(self, place_N: Ints) -> Pool:
        rows = [self.needed.row_R[self.edge_N1[at] : self.edge_N1[at + 1]] for at in place_N]
        return Pool(example_N=self.example_N[place_N], rows=self._hold(np.concatenate(rows)))

    def _hold(self, row_R: Ints) -> HeldRows:
        return hold(self.source, self.needed.run_id, self.needed.layers, row_R)


def budgets(n_bytes: dict[str, int], kept_bytes: int) -> dict[str, int]:
    """Bytes of memory for each split: what it needs where all fit together, else half of it for training."""
    if sum(n_bytes.values()) <= kept_bytes:
        return n_bytes
    rest = max(1, len(n_bytes) - 1)
    return {split: kept_bytes // 2 if split == "train" else kept_bytes // 2 // rest for split in n_bytes}
