"""Two drivers at once, and readers meanwhile: one correct store, and nobody is disturbed."""

import hashlib
import random
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from time import monotonic

import numpy as np
import pytest

from actstore.errors import IncompleteRunError
from actstore.session import Store
from actstore.store import paths, runs
from actstore.store.reader import RunReader
from actstore.store.verify import verify_store
from tests.support.drivers import (
    WAIT_SECONDS,
    check_complete,
    extract_with,
    manifest_of,
    processes,
    receipts_there,
    run_driver,
    start_driver,
)
from tests.support.faults import Fault, delay, kill
from tests.support.small_store import SmallStore, formula, prepare

N_EXAMPLES = 120
DELAY_SECONDS = 0.01


def delays(seed: int) -> list[Fault]:
    """A small random delay at every moment of some writes."""
    rng = random.Random(seed)
    return [
        Fault(operation="create", key=f"*/{site}/c/{shard}/0", moment=moment,
              effect=delay(rng.random() * DELAY_SECONDS))
        for shard in range(40) for site in ("L00", "L01", "L02") for moment in ("before", "during", "after")
        if rng.random() < 0.3
    ]  # fmt: skip


def only(small: SmallStore, name: str, **arguments: float) -> SmallStore:
    """The same store, asked for one checkpoint."""
    changed: Mapping[str, dict[str, float]] = {name: small.arguments[name] | arguments}
    return replace(small, specs={name: small.specs[name]}, arguments=dict(changed))


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> SmallStore:
    small = prepare(tmp_path_factory.mktemp("undisturbed"), n_examples=N_EXAMPLES)
    extract_with(small)
    return small


def expected_at(small: SmallStore, name: str, layer: int, row_T: np.ndarray) -> np.ndarray:
    table = small.tables.tokens
    position = np.searchsorted(table.column("row").to_numpy(), row_T)
    token_id_T, token_T = (table.column(key).to_numpy()[position] for key in ("token_id", "token"))
    arguments = small.arguments[name]
    return formula(token_id_T, token_T, layer, int(arguments["width"]), arguments["shift"])


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_two_drivers_leave_one_correct_store(tmp_path: Path, undisturbed: SmallStore, seed: int) -> None:
    small = prepare(tmp_path, n_examples=N_EXAMPLES)
    start = processes().Barrier(2)
    both = [start_driver(small, *delays(2 * seed + number), start=start) for number in range(2)]
    for driver in both:
        driver.join(WAIT_SECONDS)
    assert [driver.exitcode for driver in both] == [0, 0]
    check_complete(small, manifest_of(undisturbed))
    assert list((tmp_path / ".staging").iterdir()) == []


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_two_drivers_of_other_last_bits(tmp_path: Path, seed: int) -> None:
    """On two kinds of machines: which bytes lie there is luck, that the receipts describe them is not."""
    small = prepare(tmp_path, n_examples=N_EXAMPLES)
    other = only(small, "base", shift=1e-5)
    start = processes().Barrier(2)
    both = [
        start_driver(who, *delays(100 + 2 * seed + number), start=start)
        for number, who in enumerate((small, other))
    ]
    for driver in both:
        driver.join(WAIT_SECONDS)
    assert [driver.exitcode for driver in both] == [0, 0]
    assert verify_store(small.objects) == []
    run_id = small.specs["base"].run_id
    for receipt in runs.read_receipts(small.objects, run_id).values():
        for record in receipt.objects:
            data = small.objects.read(paths.run(run_id, record.key))
            assert hashlib.sha256(data).hexdigest() == record.sha256
    reader = RunReader(small.objects, run_id)
    np.testing.assert_allclose(reader.read("L02"), small.expected("base", 2), atol=1e-4)


def check_partial(small: SmallStore, name: str) -> int:
    """What a partial reader gives is what is receipted, right, and nothing else; returns how many shards."""
    spec = small.specs[name]
    before = set(receipts_there(small, name))
    reader = RunReader(small.objects, spec.run_id, allow_partial=True)
    shards = set(reader.receipts)
    assert before <= shards <= set(receipts_there(small, name))
    steps = list(reader.scan("L01"))
    row_T = np.concatenate([rows for rows, _ in steps]) if steps else np.empty(0, np.int64)
    assert set((row_T // spec.shard_rows).tolist()) == shards
    if steps:
        values_TD = np.concatenate([values for _, values in steps])
        np.testing.assert_allclose(values_TD, expected_at(small, name, 1, row_T), atol=1e-6)
    for shard in set(range(spec.n_shards)) - shards:
        first = np.array([spec.shard_range(shard)[0]])
        with pytest.raises(IncompleteRunError, match=f"shard {shard} is not finished"):
            reader.gather("L01", first)
        with pytest.raises(IncompleteRunError, match=f"shard {shard} is not finished"):
            list(reader.scan("L01", shards=[shard]))
    return len(shards)


@pytest.mark.slow
def test_readers_meanwhile(tmp_path: Path) -> None:
    small = prepare(tmp_path, n_examples=N_EXAMPLES, checkpoints=("base", "tuned"))
    extract_with(only(small, "base"))
    sealed, tuned = manifest_of(small), only(small, "tuned")
    slow = [Fault(operation="create", key="*/L02/c/*", nth=None, effect=delay(0.1))]
    start = processes().Barrier(2)
    both = [start_driver(tuned, *slow, start=start) for _ in range(2)]
    seen: list[int] = []
    end = monotonic() + WAIT_SECONDS
    while any(driver.is_alive() for driver in both) and monotonic() < end:
        values = Store(small.objects).run("base", "small").read(1).values
        np.testing.assert_allclose(values, small.expected("base", 1), atol=1e-6)
        if small.objects.size(paths.run(small.specs["tuned"].run_id, "spec.json")) is None:
            continue
        if runs.find_manifest(small.objects, small.specs["tuned"].run_id) is None:
            seen.append(check_partial(small, "tuned"))
    for driver in both:
        driver.join(WAIT_SECONDS)
    assert [driver.exitcode for driver in both] == [0, 0]
    assert len(set(seen)) > 1, f"the extraction was too fast to be watched: {seen}"
    assert manifest_of(small) == sealed
    assert verify_store(small.objects) == []


def test_an_unfinished_run_is_refused_without_allow_partial(tmp_path: Path) -> None:
    small = prepare(tmp_path, n_examples=N_EXAMPLES)
    assert run_driver(small, Fault(operation="create", key="*/receipts/9.json", effect=kill)) < 0
    with pytest.raises(IncompleteRunError, match="allow_partial"):
        Store(small.objects).run("base", "small")
    assert 0 < check_partial(small, "base") < small.specs["base"].n_shards
