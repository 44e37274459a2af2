"""A model that is faster than casting and placing waits: only a few batches' values are in memory."""

import weakref
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt

from actstore.extract.driver import shard_units
from actstore.extract.work import BATCHES_WAITING, ExtractWork
from actstore.plan.memory import BATCHES
from actstore.schema.tokens import TokenBatch
from tests.support.small_store import FormulaExtractor, prepare

WIDTH = 20_000


class InstantModel(FormulaExtractor):
    """Gives zeros at once and counts which of them somebody still holds."""

    most_alive = n_batches = 0

    def __init__(self, arguments: Mapping[str, float]) -> None:
        super().__init__(arguments)
        self._given: list[weakref.ref[npt.NDArray[np.float32]]] = []

    def forward(self, batch: TokenBatch) -> dict[str, npt.NDArray[np.float32]]:
        alive = sum(each() is not None for each in self._given) + 1
        InstantModel.most_alive = max(InstantModel.most_alive, alive)
        InstantModel.n_batches += 1
        values = {site: np.zeros((len(batch.token_id_T), self.width), np.float32) for site in self.info.sites}
        self._given.append(weakref.ref(values[self.info.sites[0]]))
        return values


def test_no_more_batches_are_held_than_the_bound_counts(tmp_path: Path) -> None:
    small = prepare(tmp_path, width=WIDTH, n_layers=1, tokens_per_batch=8, blocks_per_shard=16)
    work = ExtractWork(store_url=small.objects.url, open_extractor=InstantModel, checkpoints=small.arguments)
    work.open("base").do(shard_units(small.plans()[0], [0])[0])
    assert InstantModel.n_batches > 2 * BATCHES
    assert InstantModel.most_alive <= BATCHES_WAITING + 2 == BATCHES
