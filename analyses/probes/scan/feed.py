"""Feed: the rows that probes need of a run, epoch by epoch: kept in memory, or read pool by pool ahead."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from actstore.schema.ports import ActivationSource
from analyses.probes.scan.held import HeldRows, hold
from analyses.probes.scan.pools import Layout, deal, stretches

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

    number: int
    """Within its epoch."""
    example_N: Ints
    """Ascending."""
    rows: HeldRows

    def members(self, example_S: Ints) -> Ints:
        """Which of a set's sentences, by their example (ascending), are here: places in the set."""
        return np.flatnonzero(np.isin(example_S, self.example_N, assume_unique=True))


class Feed:
    """Gives pools. What is in a pool follows from the corpus and the memory alone, never from who asks."""

    def __init__(self, source: ActivationSource, needed: Needed, layout: Layout, seed: int = 0) -> None:
        self.source, self.needed, self.layout, self.seed = source, needed, layout, seed
        self._cut = stretches(layout.n_rows_N, layout.n_pools) if self.is_streamed else []
        self._kept: Pool | None = None

    @property
    def is_streamed(self) -> bool:
        """Whether examples are in memory a pool at a time."""
        return self.layout.n_pools > 1

    def pools(self, epoch: int) -> Iterator[Pool]:
        """The pools of an epoch, all examples in one where they fit; the next is read while one is used."""
        if not self.is_streamed:
            if self._kept is None:
                rows = self._hold(self.needed.row_R)
                self._kept = Pool(number=0, example_N=self.layout.example_N, rows=rows)
            yield self._kept
            return
        hands = deal(self._cut, self.layout.n_pools, self.seed, epoch)
        yield from self._ahead([(at, self.layout.example_N[hand]) for at, hand in enumerate(hands)])

    def _ahead(self, hands: list[tuple[int, Ints]]) -> Iterator[Pool]:
        chosen = [(number, example_N, self._rows_of(example_N)) for number, example_N in hands]
        chosen = [one for one in chosen if len(one[2])]
        with ThreadPoolExecutor(1, thread_name_prefix="scan") as reader:
            waiting: Future[Pool] | None = None
            for at, one in enumerate(chosen):
                pool = self._pool(*one) if waiting is None else waiting.result()
                waiting = reader.submit(self._pool, *chosen[at + 1]) if at + 1 < len(chosen) else None
                yield pool
                del pool

    def _rows_of(self, example_N: Ints) -> Ints:
        return self.needed.row_R[np.isin(self.needed.example_R, example_N)]

    def _pool(self, number: int, example_N: Ints, row_R: Ints) -> Pool:
        return Pool(number=number, example_N=example_N, rows=self._hold(row_R))

    def _hold(self, row_R: Ints) -> HeldRows:
        return hold(self.source, self.needed.run_id, self.needed.layers, row_R)
