"""Bad examples, bad checkpoints, too little memory, by workers on Ray: what fails, fails alone and named."""

import os
import re
import signal
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from actstore.cluster.executor import RayExecutor
from actstore.errors import CapacityError, ModelError
from actstore.extract.driver import RunReport, extract_runs
from actstore.schema.ports import Resources
from actstore.schema.receipts import Receipt
from actstore.schema.tokens import TokenBatch
from actstore.store import runs
from actstore.store.reader import RunReader
from actstore.store.verify import verify_store
from jobs.console import Console
from jobs.extract import exit_code
from tests.support.drivers import manifest_of
from tests.support.ray_cluster import ray_cluster
from tests.support.small_store import FormulaExtractor, SmallStore, prepare, used_rows

pytestmark = [pytest.mark.ray, pytest.mark.slow]


class Troubled(FormulaExtractor):
    """Raises on a sequence "raise_on", ends its process on one "end_on", refuses batches above "limit".

    With "receipts" it refuses only once something lies in that folder.
    """

    def __init__(self, arguments: Mapping[str, Any]) -> None:
        super().__init__(arguments)
        self.given = arguments

    def forward(self, batch: TokenBatch) -> dict[str, npt.NDArray[np.float32]]:
        sequences = [ids.tolist() for ids in np.split(batch.token_id_T, batch.offset_N1[1:-1])]
        if self.given.get("end_on") in sequences:
            os.kill(os.getpid(), signal.SIGKILL)  # as the kernel does where memory is gone
        if self.given.get("raise_on") in sequences:
            raise RuntimeError("this text is poison")
        longest = max(map(len, sequences))
        if len(sequences) * longest > self.given.get("limit", 1e9) and self._refuses():
            raise CapacityError("the formula is out of paper")
        return super().forward(batch)

    def _refuses(self) -> bool:
        return "receipts" not in self.given or any(Path(self.given["receipts"]).glob("*"))


def open_troubled(arguments: Mapping[str, Any]) -> Troubled:
    if arguments.get("broken"):
        raise ModelError("its weights are damaged")
    return Troubled(arguments)


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    with ray_cluster(head_cpus=2) as cluster, RayExecutor(cluster.address):
        yield cluster


def extract(cluster: Any, small: SmallStore, **troubles: dict[str, object]) -> dict[str, RunReport]:
    """Extract every checkpoint, some with troubles."""
    checkpoints = {name: {**given, **troubles.get(name, {})} for name, given in small.arguments.items()}
    reports = extract_runs(
        small.objects, small.plans(), RayExecutor(cluster.address), Resources(overlap=2),
        open_extractor=open_troubled, checkpoints=checkpoints,
    )  # fmt: skip
    return {report.plan.checkpoint: report for report in reports}


def token_ids(small: SmallStore, example: int) -> list[int]:
    mask = small.tables.tokens.column("example").to_numpy() == example
    return small.tables.tokens.column("token_id").to_numpy()[mask].tolist()


def receipts_of(small: SmallStore, name: str) -> list[Receipt]:
    return list(runs.read_receipts(small.objects, small.specs[name].run_id).values())


def test_what_is_bad_fails_alone_and_is_named(
    cluster: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = ("good", "poisoned", "broken", "deadly")
    small = prepare(tmp_path / "store", checkpoints=names)
    reports = extract(
        cluster, small, poisoned={"raise_on": token_ids(small, 7)}, broken={"broken": True},
        deadly={"end_on": token_ids(small, 20)},
    )  # fmt: skip
    assert exit_code(list(reports.values()), Console(as_json=False)) == 1
    said = capsys.readouterr().err
    assert "poisoned over small: example 7 is left out: RuntimeError: this text is poison" in said
    assert "broken over small: ModelError: its weights are damaged" in said
    assert "deadly over small: LostWorkerError:" in said
    assert "set a smaller tokens_per_batch" in said
    assert "good over small" not in said
    assert [name for name in names if reports[name].manifest is not None] == ["good", "poisoned"]
    assert [item.example for item in reports["poisoned"].quarantined] == [7]
    n_shards = small.specs["deadly"].n_shards
    assert (len(receipts_of(small, "broken")), len(receipts_of(small, "deadly"))) == (0, n_shards - 1)
    assert verify_store(small.objects) == []

    mended = extract(cluster, small)  # what was done is kept, the rest is done now
    assert [mended[name].n_new_shards for name in names] == [0, 0, n_shards, 1]
    undisturbed = prepare(tmp_path / "undisturbed", checkpoints=names)
    undisturbed.extract()
    for name in ("good", "broken", "deadly"):
        assert manifest_of(small, name).content_sha256 == manifest_of(undisturbed, name).content_sha256


def test_out_of_memory_before_the_first_receipt_names_what_fits(cluster: Any, tmp_path: Path) -> None:
    """Eleven tokens fit: the longest sequence alone, and no shard as a whole, whichever comes first."""
    small = prepare(tmp_path / "store", tokens_per_batch=64)
    report = extract(cluster, small, base={"limit": 11})["base"]
    assert {failure.kind for failure in report.failures} == {"CapacityError"}
    told = [
        re.search(r"set tokens_per_batch = (\d+) under \[extract\]", failure.message)
        for failure in report.failures
    ]
    named = {int(found[1]) for found in told if found}
    assert None not in told
    assert named <= {8, 11, 16}
    assert exit_code([report], Console(as_json=False)) == 2
    assert receipts_of(small, "base") == []

    fitting = prepare(tmp_path / "fitting", tokens_per_batch=8)
    assert extract(cluster, fitting, base={"limit": 11})["base"].failures == ()


def test_out_of_memory_later_halves_the_batch_and_the_receipt_says_so(cluster: Any, tmp_path: Path) -> None:
    small = prepare(tmp_path / "store", tokens_per_batch=64)
    spec = small.specs["base"]
    folder = tmp_path / "store" / "runs" / spec.run_id / "receipts"
    report = extract(cluster, small, base={"limit": 16, "receipts": str(folder)})["base"]
    assert report.failures == ()
    halved = [receipt.measured.get("halved_batches", 0) for receipt in receipts_of(small, "base")]
    assert sum(halved) > 0
    assert 0 in halved
    for layer, site in enumerate(spec.sites):
        found = RunReader(small.objects, spec.run_id).gather(site, used_rows(small))
        np.testing.assert_array_equal(found, small.expected("base", layer))
