"""Workers that Ray's memory monitor ends, on a real cluster: their units are done again, or given up."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from actstore.cluster.executor import RayExecutor
from actstore.schema.ports import Outcome, Resources, Unit
from tests.support.ray_cluster import ray_cluster, used_memory
from tests.support.works import DiaryWork

pytestmark = [pytest.mark.ray, pytest.mark.slow]

ALLOWED_BYTES = 2 << 30
"""Above what the machine uses when the test begins; a unit takes more than this, and other programs less."""


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    used, total = used_memory()
    if total - used < 2 * ALLOWED_BYTES:
        pytest.skip(f"{(total - used) / 2**30:.1f} GiB of memory are free, {2 * ALLOWED_BYTES >> 30} needed")
    settings = {
        "memory_usage_threshold": (used + ALLOWED_BYTES) / total,
        "memory_monitor_refresh_ms": 50,
    }
    with ray_cluster(head_cpus=1, **settings) as cluster, RayExecutor(cluster.address):
        yield cluster


def test_a_worker_that_ends_out_of_memory_takes_only_the_greedy_unit_with_it(
    cluster: Any, tmp_path: Path
) -> None:
    most_bytes = 2 * ALLOWED_BYTES
    units = [
        *(Unit(key=f"a{i}", group="a") for i in range(4)),
        Unit(key="greedy-once", group="a", args=("eat-once", most_bytes)),
        Unit(key="greedy", group="a", args=("eat", most_bytes)),
        *(Unit(key=f"b{i}", group="b") for i in range(4)),
    ]
    work = DiaryWork(str(tmp_path))
    found: dict[str, Outcome] = {
        outcome.unit.key: outcome
        for outcome in RayExecutor(cluster.address).map(work, units, Resources(overlap=2))
    }
    assert set(found) == {unit.key for unit in units}
    assert [key for key, outcome in found.items() if outcome.failure] == ["greedy"]
    assert found["greedy-once"].attempts >= 2
    failure = found["greedy"].failure
    assert failure is not None
    assert (failure.kind, failure.request_error) == ("LostWorkerError", False)
    assert "out of memory" in failure.message
    assert "tokens_per_batch" in failure.message
    assert work.noted("do").count("greedy") == 3
