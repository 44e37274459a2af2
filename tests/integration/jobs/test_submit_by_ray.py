"""A study submitted with `ray job submit` from another folder: Ray copies the code, the store stays."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

import actstore
from tests.support.commands import ALONE, run
from tests.support.studies import SmallStudy

ROOT = Path(__file__).parents[3]
PORT, DASHBOARD = 46379, 48265
BIN = Path(sys.executable).parent
SECONDS = 240


def environment() -> dict[str, str]:
    """The tests' Python first on the PATH: a submitted `python` is the PATH's."""
    loopback = {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0", "RAY_AUTH_MODE": "disabled"}
    return {**os.environ, **loopback, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"}


def ray(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(BIN / "ray"), *arguments],
        cwd=cwd, env=environment(), capture_output=True, text=True, timeout=SECONDS, check=False,
    )  # fmt: skip


@pytest.fixture
def address() -> Iterator[str]:
    """The job server of a head node on loopback; stopped alone, `ray stop` would stop every Ray there is."""
    # Sockets have short paths: the test's own folder is too deep.
    with tempfile.TemporaryDirectory(prefix="ray", ignore_cleanup_errors=True) as folder:
        head = subprocess.Popen(
            [str(BIN / "ray"), "start", "--head", "--block", "--node-ip-address=127.0.0.1", f"--port={PORT}",
             "--num-cpus=2", "--dashboard-host=127.0.0.1", f"--dashboard-port={DASHBOARD}",
             "--include-dashboard=true", f"--temp-dir={folder}", "--disable-usage-stats"],
            env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            wait_for_jobs(head)
            yield f"http://127.0.0.1:{DASHBOARD}"
        finally:
            head.terminate()
            head.wait(timeout=SECONDS)


def wait_for_jobs(head: "subprocess.Popen[bytes]") -> None:
    """Until the job server answers."""
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        assert head.poll() is None, "the head node ended"
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{DASHBOARD}/api/jobs/", timeout=5):
                return
        except OSError:
            time.sleep(0.5)
    raise TimeoutError("the job server does not answer")


def checkout(place: Path) -> Path:
    """What a clone of the project holds of code, in a folder of its own."""
    place.mkdir()
    for name in ("actstore", "analyses", "jobs"):
        shutil.copytree(ROOT / name, place / name, ignore=shutil.ignore_patterns("__pycache__"))
    return place


@pytest.mark.ray
@pytest.mark.slow
def test_a_submitted_extraction_writes_the_same_store(
    study: SmallStudy, address: str, tmp_path: Path
) -> None:
    study.write()
    copy = checkout(tmp_path / "checkout")
    store = tmp_path / "submitted"
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    done = ray(
        "job", "submit", "--address", address, "--working-dir", str(copy),
        "--runtime-env-json", json.dumps({"env_vars": {"ACTSTORE_MODELS": str(study.folder)}}),
        "--", "python", "-m", "jobs.extract", str(study.file), "--store", str(store), cwd=elsewhere,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    alone = run("extract", study.file, *ALONE)
    assert alone.code == 0, alone.err
    runs = [actstore.open(str(place)).runs.to_pylist() for place in (store, study.store)]
    assert runs[0] == runs[1]
    assert all(row["complete"] for row in runs[0])
    assert run("verify", store).code == 0
    refused = ray(
        "job", "submit", "--address", address, "--working-dir", str(copy),
        "--", "python", "-m", "jobs.extract", str(study.file), "--store", "here", cwd=elsewhere,
    )  # fmt: skip
    assert refused.returncode != 0
    assert "runtime" in refused.stdout.lower()
