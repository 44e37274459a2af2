"""The bound that a training is given workers by, against the peak of a process that trains."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
WEIGHT_COPIES = 4
"""A weight, its gradient and two moments."""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="peaks are measured on Linux")
def test_a_training_stays_within_its_bound(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "tests.support.training_memory",
        tmp_path,
        "mlm",
    ]  # of all tasks the tightest
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "1"}  # as workers are started
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert WEIGHT_COPIES * found["weights"] < found["added"] < found["bound"]
    assert found["bound"] < 4 * found["added"], "a bound that is far too high keeps workers idle"
