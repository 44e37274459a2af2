"""`submit` on a real Ray with its jobs: files go along, the log is followed, twice is once."""

import os
import signal
import sys
import time
import venv
from collections.abc import Iterator
from pathlib import Path

import pytest
import ray

from tests.support.commands import Answer, Here, run, start
from tests.support.studies import SmallStudy, make_study

pytestmark = [pytest.mark.ray, pytest.mark.slow]


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    context = ray.init(
        address="local", num_cpus=2, include_dashboard=True, dashboard_host="127.0.0.1", dashboard_port=0,
        log_to_driver=False,
    )  # fmt: skip
    yield f"http://{context.dashboard_url}"
    ray.shutdown()


@pytest.fixture
def absolute(made: SmallStudy, tmp_path: Path) -> SmallStudy:
    """A study whose models and store are named by whole paths; its text goes along with the job."""
    study = make_study(tmp_path / "study").only(["base"], ["text"])
    return study.checkpoint("base", model=tmp_path / "study" / "models" / "base")


def submit(*words: object, python: str | Path = sys.executable) -> Answer:
    """`actstore submit` with the interpreter of these tests: the cluster's PATH may have another one."""
    return run("submit", *words, "--python", python)


def test_a_study_is_submitted_followed_and_submitted_again(
    address: str, absolute: SmallStudy, tmp_path: Path
) -> None:
    words = (absolute.write(), "--address", address, "--stage", "extract", "--workers", 1, "--json",
             "--store", tmp_path / "store")  # fmt: skip
    first = submit(*words)
    assert first.code == 0, first.err
    assert "uploading" in first.err
    assert "shard" in first.err  # the job's own log
    listed = run("ls", tmp_path / "store", "--json").out
    assert '"complete": true' in listed
    again = submit(*words)
    assert again.code == 0, again.err
    assert "all stored in" in again.err
    assert again.document["job"] != first.document["job"]


def test_a_job_that_fails_gives_its_exit_code(address: str, absolute: SmallStudy, tmp_path: Path) -> None:
    wrong = absolute.checkpoint("base", model=tmp_path / "nowhere").write()
    answer = submit(wrong, "--address", address, "--stage", "extract", "--store", tmp_path / "store")
    assert answer.code == 2, answer.err
    assert "nowhere" in answer.err


def test_an_interpreter_without_our_packages_is_told(
    address: str, absolute: SmallStudy, tmp_path: Path
) -> None:
    venv.create(tmp_path / "bare", with_pip=False)
    words = (absolute.write(), "--address", address, "--stage", "extract", "--store", tmp_path / "store")
    for python in (tmp_path / "bare" / "bin" / "python", tmp_path / "none"):
        answer = submit(*words, python=python)
        assert answer.code not in (0, None)
        assert f"the cluster's `{python}` has not what actstore needs" in answer.err, answer.err


def test_interrupting_leaves_the_job_and_says_how_to_stop_it(
    address: str, absolute: SmallStudy, tmp_path: Path
) -> None:
    words = ("submit", absolute.write(), "--address", address, "--stage", "extract", "--workers", 1,
             "--store", tmp_path / "store", "--python", sys.executable)  # fmt: skip
    process = start(*words)
    assert process.stderr is not None
    said = ""
    while "submitted at" not in said:
        line = process.stderr.readline()
        assert line, said
        said += line
    time.sleep(0.5)
    os.killpg(process.pid, signal.SIGINT)
    _, rest = process.communicate(timeout=60)
    assert process.returncode == 130, said + rest
    assert "--stop` ends it" in rest
    joined = run(*words, "--no-follow")
    assert joined.code == 0, joined.err
    stopped = run(*words, "--stop")
    assert stopped.code in (0, 2), stopped.err  # it may have ended by itself
    assert "told to stop" in stopped.err or "nothing was stopped" in stopped.err


def test_no_cluster_is_told(here: Here, absolute: SmallStudy, tmp_path: Path) -> None:
    words = ("submit", absolute.write(), "--store", tmp_path / "store", "--address")
    refused = here(*words, "http://127.0.0.1:9")
    assert (refused.code, "no Ray jobs at http://127.0.0.1:9" in refused.err) == (2, True), refused.err
    assert "http://HOST:PORT" in here(*words, "head:8265").err
