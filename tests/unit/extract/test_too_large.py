"""A batch that does not fit: the first shard says what fits, a later one halves its batches and says so."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from actstore.errors import CapacityError
from actstore.extract.driver import extract_runs, shard_units
from actstore.extract.work import ExtractWork
from actstore.plan.batching import batches
from actstore.schema.ports import Resources
from actstore.schema.receipts import Receipt
from actstore.schema.tokens import TokenBatch
from actstore.serial import SerialExecutor
from actstore.store import runs
from actstore.store.reader import RunReader
from actstore.store.tokens import read_sequences
from jobs.console import Console
from jobs.extract import exit_code
from tests.support.small_store import FormulaExtractor, SmallStore, open_formula, prepare, used_rows


class SmallMemory(FormulaExtractor):
    """Refuses batches of more padded tokens than its `limit`."""

    n_forwards = 0

    def __init__(self, arguments: Mapping[str, float]) -> None:
        super().__init__(arguments)
        self.limit = arguments["limit"]

    def forward(self, batch: TokenBatch) -> dict[str, npt.NDArray[np.float32]]:
        SmallMemory.n_forwards += 1
        if batch.n_sequences * int(np.diff(batch.offset_N1).max()) > self.limit:
            raise CapacityError("the formula is out of paper")
        return super().forward(batch)


def limited(small: SmallStore, limit: int) -> dict[str, dict[str, float]]:
    return {name: {**arguments, "limit": limit} for name, arguments in small.arguments.items()}


def do_shard(small: SmallStore, shard: int, limit: int) -> Receipt:
    work = ExtractWork(
        store_url=small.objects.url, open_extractor=SmallMemory, checkpoints=limited(small, limit)
    )
    return work.open("base").do(shard_units(small.plans()[0], [shard])[0])


def padded_sizes(small: SmallStore, shard: int, tokens_per_batch: int) -> list[int]:
    spec = small.specs["base"]
    every = read_sequences(small.objects, spec.text_id, spec.tokens_id)
    lengths = every.within_rows(*spec.shard_range(shard)).n_tokens_S
    return [len(batch) * int(lengths[batch].max()) for batch in batches(lengths, tokens_per_batch)]


def test_before_the_first_receipt_the_run_fails_and_names_what_fits(tmp_path: Path) -> None:
    small = prepare(tmp_path, tokens_per_batch=64)
    assert (
        max(padded_sizes(small, 0, 32)) > 16 >= max(padded_sizes(small, 0, 16))
    )  # so that two halvings are needed
    (report,) = extract_runs(
        small.objects, small.plans(), SerialExecutor(), Resources(overlap=2), open_extractor=SmallMemory,
        checkpoints=limited(small, 16),
    )  # fmt: skip
    assert {failure.kind for failure in report.failures} == {"CapacityError"}
    assert all("set tokens_per_batch = 16 under [extract]" in failure.message for failure in report.failures)
    assert "out of paper" in report.failures[0].message
    assert exit_code([report], Console(as_json=False)) == 2
    assert runs.done_shards(small.objects, small.specs["base"].run_id) == set()
    assert do_shard(prepare(tmp_path / "named", tokens_per_batch=16), 0, 16).shard == 0


def test_only_one_shard_of_a_run_looks_for_what_fits(tmp_path: Path) -> None:
    small = prepare(tmp_path, tokens_per_batch=64)
    assert small.specs["base"].n_shards > 3
    SmallMemory.n_forwards = 0
    task = ExtractWork(
        store_url=small.objects.url, open_extractor=SmallMemory, checkpoints=limited(small, 16)
    ).open("base")
    units = shard_units(small.plans()[0], range(small.specs["base"].n_shards))
    for unit in units:
        with pytest.raises(CapacityError, match="16 fits here"):
            task.do(unit)
    assert SmallMemory.n_forwards <= 6


def test_a_sequence_that_does_not_fit_alone_is_told(tmp_path: Path) -> None:
    small = prepare(tmp_path)
    with pytest.raises(CapacityError, match=r"one sequence of \d+ tokens alone; set a smaller max_length"):
        do_shard(small, 0, 3)


def test_later_batches_are_halved_and_the_receipt_says_so(tmp_path: Path) -> None:
    small = prepare(tmp_path, tokens_per_batch=64)
    spec = small.specs["base"]
    runs.begin_run(small.objects, spec)
    first = do_shard(small, 0, 1000)
    assert "halved_batches" not in first.measured
    receipts = [do_shard(small, shard, 16) for shard in range(1, spec.n_shards)]
    for receipt in receipts:
        n_too_large = sum(size > 16 for size in padded_sizes(small, receipt.shard, 64))
        assert receipt.measured.get("halved_batches", 0) == n_too_large
    assert any("halved_batches" in receipt.measured for receipt in receipts)
    assert all(receipt.quarantined == () for receipt in receipts)
    runs.seal(small.objects, spec)
    for layer, site in enumerate(spec.sites):
        found = RunReader(small.objects, spec.run_id).gather(site, used_rows(small))
        np.testing.assert_array_equal(found, small.expected("base", layer))


def test_later_too_a_sequence_that_does_not_fit_alone_fails_its_shard(tmp_path: Path) -> None:
    small = prepare(tmp_path)
    do_shard(small, 0, 1000)
    with pytest.raises(CapacityError, match="one sequence of"):
        do_shard(small, 1, 3)


def test_a_shard_that_fits_is_timed(tmp_path: Path) -> None:
    small = prepare(tmp_path)
    (report,) = extract_runs(
        small.objects, small.plans(), SerialExecutor(), Resources(overlap=2), open_extractor=open_formula,
        checkpoints=small.arguments,
    )  # fmt: skip
    assert report.manifest is not None
    measured = [r.measured for r in runs.read_receipts(small.objects, report.plan.spec.run_id).values()]
    seconds = ("read", "forward", "cast_wait", "write", "wait_for_disk", "load")
    assert all(item[f"{name}_seconds"] >= 0 for item in measured for name in seconds)
    assert sum(item["tokens"] for item in measured) == report.manifest.n_tokens
    assert sum(item["written_bytes"] for item in measured) == report.manifest.bytes
    assert len({item["worker"] for item in measured}) == 1
