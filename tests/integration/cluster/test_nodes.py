"""What nodes prove before work, how many workers they hold, and what the metrics endpoint tells."""

import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from actstore.cluster.executor import RayExecutor
from actstore.cluster.metrics import RayMetrics, measured
from actstore.cluster.nodes import alive_nodes, check_nodes
from actstore.cluster.places import places
from actstore.cluster.probes import probe_file, probe_listing
from actstore.errors import AccessError, ClusterError
from actstore.schema.ports import Resources, Unit
from tests.support.ray_cluster import ray_cluster
from tests.support.works import DiaryWork

pytestmark = pytest.mark.ray

HERE = Path("/proc/self/cwd")
"""A path that is another folder in each process: what an unshared disk looks like."""


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    with ray_cluster(head_cpus=1) as cluster:
        cluster.add_node(num_cpus=1)
        with RayExecutor(cluster.address):
            yield cluster


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The driver's folder, with a model; Ray's processes stay where they are."""
    monkeypatch.chdir(tmp_path)
    model = tmp_path / "model"
    model.mkdir()
    (model / "model.safetensors").write_bytes(b"weights")
    return tmp_path


@pytest.mark.parametrize(
    ("nodes", "resources", "fit"),
    [
        ([{"CPU": 4.0}, {"CPU": 3.0}], Resources(), 7),
        ([{"CPU": 4.0}, {"CPU": 3.0}], Resources(cpus=2), 3),
        ([{"CPU": 8.0, "GPU": 2.0}, {"CPU": 8.0}], Resources(gpus=1), 2),
        ([{"CPU": 8.0, "GPU": 1.0}], Resources(cpus=0, gpus=0.1), 10),
        ([{"CPU": 8.0, "memory": 10e9}], Resources(memory_bytes=4_000_000_000), 2),
        ([{"CPU": 0.0}], Resources(), 0),
        ([], Resources(), 0),
    ],
)
def test_places(nodes: list[dict[str, float]], resources: Resources, fit: int) -> None:
    assert places(nodes, resources) == fit


def test_the_crew_is_as_large_as_the_cluster(cluster: Any) -> None:
    assert RayExecutor(cluster.address).n_workers == 2
    assert RayExecutor(cluster.address, 7).n_workers == 7


def test_shared_folders_pass_and_no_probe_stays(cluster: Any, elsewhere: Path) -> None:
    with RayExecutor(cluster.address) as executor:
        executor.check_nodes([elsewhere], [elsewhere / "model"])
    assert [path.name for path in elsewhere.iterdir()] == ["model"]


def test_a_store_that_nodes_do_not_see_is_refused(cluster: Any, elsewhere: Path) -> None:
    refused = pytest.raises(ClusterError, match=r"node .*127\.0\.0\.1.* does not see /proc/self/cwd.*s3://")
    with probe_file(HERE) as probe, refused:
        check_nodes([probe])
    assert [path.name for path in elsewhere.iterdir()] == ["model"]


def test_a_model_that_nodes_do_not_see_is_refused(cluster: Any, elsewhere: Path) -> None:
    with pytest.raises(ClusterError, match=r"does not see /proc/self/cwd/model: model\.safetensors"):
        check_nodes([probe_listing(HERE / "model")])


def test_another_file_of_that_name_is_refused(cluster: Any, elsewhere: Path) -> None:
    (elsewhere / "pyproject.toml").write_bytes(b"")
    with pytest.raises(ClusterError, match=r"sees another .*pyproject\.toml.* bytes there, 0 here"):
        check_nodes([probe_listing(HERE / "pyproject.toml")])


def test_a_folder_that_the_driver_can_not_write_is_told(cluster: Any) -> None:
    with pytest.raises(AccessError, match="/proc/1"):
        RayExecutor(cluster.address).check_nodes([Path("/proc/1")])


@pytest.fixture
def work(tmp_path: Path) -> DiaryWork:
    return DiaryWork(str(tmp_path))


@pytest.mark.slow
def test_counters_appear_on_rays_metrics_endpoint(cluster: Any, work: DiaryWork) -> None:
    executor = RayExecutor(cluster.address, record=RayMetrics())
    units = [Unit(key=f"{i}", group="a") for i in range(5)] + [Unit(key="x", group="bad")]
    list(executor.map(work, units, Resources()))
    wanted = {"ray_actstore_tokens_total{}": 50.0, 'ray_actstore_units_total{state="done"}': 5.0}
    urls = [f"http://127.0.0.1:{node['MetricsExportPort']}/metrics" for node in alive_nodes()]
    end = time.monotonic() + 40
    while (found := counters(urls)) != found | wanted:
        assert time.monotonic() < end, found
        time.sleep(1)
    assert found['ray_actstore_units_total{state="failed"}'] == 1.0


def counters(urls: list[str]) -> dict[str, float]:
    found = {}
    for url in urls:
        with urllib.request.urlopen(url, timeout=10) as answer:
            lines = answer.read().decode().splitlines()
        for line in lines:
            if line.startswith("ray_actstore"):
                name, _, rest = line.partition("{")
                labels, _, value = rest.rpartition("}")
                state = [label for label in labels.split(",") if label.startswith("state=")]
                found[f"{name}{{{','.join(state)}}}"] = float(value)
    return found


def test_measured_is_taken_from_keys_attributes_or_nothing() -> None:
    assert measured({"measured": {"tokens": 2}}) == {"tokens": 2}
    assert measured(SimpleNamespace(measured={"tokens": 3.0})) == {"tokens": 3.0}
    assert measured(None) == {}
    assert measured({"measured": 3}) == {}
