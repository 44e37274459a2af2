"""Probe files of drivers that were killed: `gc` finds them, and what is in use is written again."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from actstore.cluster.probes import missing, probe_file, renew
from actstore.store import repair
from tests.support.small_store import prepare

KILLED = """
import os, sys
from pathlib import Path
from actstore.cluster.probes import probe_file
with probe_file(Path(sys.argv[1])):
    os.kill(os.getpid(), 9)
"""
HOUR_SECONDS = 3600.0


@pytest.mark.parametrize("there", [True, False], ids=["a store", "a store that is not made yet"])
def test_what_a_killed_driver_left_is_collected(tmp_path: Path, there: bool) -> None:
    place = tmp_path / "runs" / "store"
    if there:
        prepare(place)
    assert subprocess.run([sys.executable, "-c", KILLED, place], check=False).returncode == -9
    small = prepare(place)
    (left,) = (place / ".staging").glob("probe-*")
    assert repair.plan_gc(small.objects) == []
    (removal,) = repair.plan_gc(small.objects, now=time.time() + 25 * HOUR_SECONDS)
    repair.remove(small.objects, [removal])
    assert not left.exists()


def test_a_refused_request_leaves_no_folder(tmp_path: Path) -> None:
    with probe_file(tmp_path / "runs" / "store") as probe:
        assert missing([probe]) is None
    assert list(tmp_path.iterdir()) == []


def test_a_store_that_is_made_meanwhile_stays(tmp_path: Path) -> None:
    with probe_file(tmp_path / "store"):
        prepare(tmp_path / "store")
    assert (tmp_path / "store" / ".staging").is_dir()
    assert not list((tmp_path / "store" / ".staging").iterdir())


def test_a_probe_that_was_collected_is_there_for_the_next_worker(tmp_path: Path) -> None:
    with probe_file(tmp_path) as probe:
        (tmp_path / probe.files[0][0]).unlink()
        assert "does not see" in str(missing([probe]))
        renew(probe)
        assert missing([probe]) is None
