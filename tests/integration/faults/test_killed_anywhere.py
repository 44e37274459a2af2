"""Drivers killed at random moments, again and again: the same content in the end, nothing half in between."""

import random
from pathlib import Path
from time import sleep

import pytest

from tests.support.drivers import (
    WAIT_SECONDS,
    bytes_by_key,
    check_complete,
    check_nothing_is_half,
    extract_with,
    manifest_of,
    receipts_there,
    run_driver,
    start_driver,
)
from tests.support.faults import Fault, delay
from tests.support.small_store import SmallStore, prepare

N_EXAMPLES = 80
KILLS = 3
LIFE_SECONDS = 0.9
"""A driver needs about 0.2 s for its first receipt and 1 s for all."""


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> SmallStore:
    small = prepare(tmp_path_factory.mktemp("undisturbed"), n_examples=N_EXAMPLES)
    extract_with(small)
    return small


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(15))
def test_killed_at_random_moments(tmp_path: Path, undisturbed: SmallStore, seed: int) -> None:
    rng = random.Random(seed)
    small = prepare(tmp_path, n_examples=N_EXAMPLES)
    late = Fault(operation="create", nth=None, moment="during", effect=delay(0.01))
    whole = bytes_by_key(Path(undisturbed.objects.url))
    receipts: dict[int, bytes] = {}
    for _ in range(KILLS):
        driver = start_driver(small, late)
        sleep(rng.random() * LIFE_SECONDS)
        driver.kill()
        driver.join(WAIT_SECONDS)
        check_nothing_is_half(tmp_path, whole)
        there = receipts_there(small)
        assert {shard: there.get(shard) for shard in receipts} == receipts
        receipts = there
    assert run_driver(small) == 0
    check_complete(small, manifest_of(undisturbed))
