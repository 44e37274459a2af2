"""The service on Ray: two replicas of which one is killed under load; jobs submitted, joined, stopped."""

import os
import signal
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import httpx
import numpy as np
import pytest
from ray import serve

import actstore
from actstore.errors import NotFoundError, RequestError, ServiceError
from actstore.serve.jobs import ENDED, JobInfo, JobRequest
from jobs.replicas import application
from jobs.runners.ray import RayRunner
from jobs.runners.studies import StudyFolder
from tests.support.ray_serve import RayServe, ray_serve
from tests.support.served import TOKEN
from tests.support.small_store import SmallStore, prepare
from tests.support.studies import make_study

ASKERS, WAIT_SECONDS = 4, 120
LAYER = 2


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({}, "store"),
        ({"store": "x", "stor": "y"}, "stor"),
        ({"store": "x", "replicas": 0}, "replicas"),
        ({"store": "x"}, "ACTSTORE_TOKEN"),
    ],
)
def test_wrong_arguments_are_told(
    arguments: dict[str, object], told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ACTSTORE_TOKEN", raising=False)
    with pytest.raises(RequestError, match=told):
        application(arguments)


def test_jobs_inside_a_replica_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACTSTORE_TOKEN", TOKEN)
    with pytest.raises(RequestError, match="jobs_address"):
        application({"store": "x", "studies": str(tmp_path)})


@pytest.fixture(scope="module")
def cluster() -> Iterator[RayServe]:
    with ray_serve() as started:
        yield started


@pytest.fixture
def small(tmp_path: Path) -> SmallStore:
    made = prepare(tmp_path / "store", n_examples=100, width=32)
    made.extract()
    return made


def wait_for_replicas(cluster: RayServe, others_than: set[int], n_replicas: int) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while len(set(cluster.replicas()) - others_than) < n_replicas:
        assert time.monotonic() < deadline, "no new replica came"
        time.sleep(0.1)


@pytest.mark.ray
@pytest.mark.slow
def test_a_replica_is_killed_under_load(cluster: RayServe, small: SmallStore, tmp_path: Path) -> None:
    token_file = tmp_path / "token"
    token_file.write_text(TOKEN)
    serve.run(application({"store": small.objects.url, "token_file": str(token_file)}), name="actstore")
    assert httpx.get(f"{cluster.http}/v1/runs").status_code == 401
    first = cluster.replicas()
    assert len(first) == 2
    expected_TD = small.expected("base", LAYER)
    stop = Event()

    def ask_on(_: int) -> tuple[int, int]:
        n_answered = n_failed = 0
        with actstore.open(cluster.http, token=TOKEN) as store:
            while not stop.is_set():
                try:
                    answer = store.query("base", "small", [LAYER]).read_all()
                except ServiceError:
                    n_failed += 1
                    continue
                values_TD = answer["activation"].combine_chunks().flatten().to_numpy().reshape(-1, 32)
                np.testing.assert_array_equal(values_TD, expected_TD)
                n_answered += 1
        return n_answered, n_failed

    with ThreadPoolExecutor(ASKERS) as pool:
        askers = pool.map(ask_on, range(ASKERS))
        time.sleep(1)
        os.kill(first[0], signal.SIGKILL)
        wait_for_replicas(cluster, set(first), 1)
        time.sleep(1)
        stop.set()
        told = list(askers)
    n_answered, n_failed = (sum(column) for column in zip(*told, strict=True))
    assert n_answered > 10 * ASKERS
    # What the killed one was working on is told as broken; the other one goes on.
    assert n_failed <= 2 * ASKERS, told
    assert first[1] in cluster.replicas(), "the other replica was never stopped"
    serve.delete("actstore")


def ended(runner: RayRunner, job_id: str) -> JobInfo:
    deadline = time.monotonic() + WAIT_SECONDS
    while (info := runner.job(job_id)).state not in ENDED:
        assert time.monotonic() < deadline, runner.log(job_id, 50)
        time.sleep(0.2)
    return info


@pytest.mark.ray
@pytest.mark.slow
def test_jobs_are_submitted_joined_read_and_stopped(cluster: RayServe, tmp_path: Path) -> None:
    study = make_study(tmp_path / "studies").only(["base"], ["text"])
    study.checkpoint("base", model=tmp_path / "studies" / "models" / "base").write()
    folder = StudyFolder(tmp_path / "studies", str(tmp_path / "store"))
    runner = RayRunner(folder, cluster.jobs, sys.executable)
    asked = JobRequest(study="study.toml", stage="extract", limit=8)

    first = runner.submit(asked)
    assert runner.submit(asked).id == first.id, "asking twice is asking once"
    assert RayRunner(folder, cluster.jobs).job(first.id).study == "study.toml", "replicas share the jobs"
    done = ended(runner, first.id)
    assert (done.state, done.exit_code) == ("succeeded", 0), runner.log(first.id, 50)
    assert "of the tokens it saw were padding" in runner.log(first.id, 50)
    assert len(runner.log(first.id, 1).splitlines()) == 1
    assert actstore.open(tmp_path / "store").runs["complete"].to_pylist() == [True]

    second = runner.submit(asked)
    assert second.id != first.id, "it has ended, so it is run again"
    runner.stop(second.id)
    assert ended(runner, second.id).state in ("stopped", "succeeded")
    assert [job.id for job in runner.jobs()] == [second.id, first.id]

    other = runner.client.submit_job(entrypoint="true")
    for ask in (runner.job, runner.stop, lambda job_id: runner.log(job_id, 5)):
        for job_id in ("nothing", other):  # a job of someone else's on the same cluster
            with pytest.raises(NotFoundError, match="no job"):
                ask(job_id)
