"""Where a cluster has GPUs each worker gets one of its own; here they are Ray's count alone, no device."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from actstore.cluster.executor import RayExecutor
from actstore.schema.ports import Resources, Unit
from actstore.serial import SerialExecutor
from jobs.executors import gpus_per_worker
from tests.support.commands import Here
from tests.support.ray_cluster import ray_cluster
from tests.support.studies import SmallStudy
from tests.support.works import DiaryWork

pytestmark = pytest.mark.ray


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """A head without GPUs and a node with two."""
    with ray_cluster(head_cpus=2) as cluster, RayExecutor(cluster.address) as executor:
        assert gpus_per_worker(executor) == 0.0
        cluster.add_node(num_cpus=4, num_gpus=2)
        cluster.wait_for_nodes()
        yield cluster


def test_each_worker_has_a_gpu_of_its_own(cluster: Any, tmp_path: Path) -> None:
    with RayExecutor(cluster.address) as executor:
        gpus = gpus_per_worker(executor)
        assert gpus == 1.0
        units = [
            Unit(key=str(number), group="g", args=("variable", "CUDA_VISIBLE_DEVICES"))
            for number in range(12)
        ]
        seen: dict[str, set[str]] = {}
        for outcome in executor.map(DiaryWork(str(tmp_path)), units, Resources(gpus=gpus)):
            assert outcome.failure is None
            seen.setdefault(outcome.worker, set()).add(outcome.result["value"])
    assert sorted(map(sorted, seen.values())) in ([["0"], ["1"]], [["0"]], [["1"]])
    assert len(DiaryWork(str(tmp_path)).pids("open")) == len(seen)


def test_extraction_asks_for_them(here: Here, cluster: Any, study: SmallStudy) -> None:
    file = study.only(["base", "tuned"], ["text", "pairs"]).write()
    answer = here("extract", file, "--ray-address", cluster.address, "--json")
    assert answer.code == 0, answer
    assert "on 2 workers" in answer.err  # six CPUs, two GPUs


def test_one_process_asks_for_none() -> None:
    assert gpus_per_worker(SerialExecutor()) == 0.0
