"""The bound that `plan` states for a worker's memory, against the peak of a process that extracts."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.tiny_models import make_tiny_model

ROOT = Path(__file__).parents[3]
SIZES = {
    "hidden_size": 384, "num_hidden_layers": 6, "intermediate_size": 1536, "num_attention_heads": 12,
    "max_position_embeddings": 512,
}  # fmt: skip

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="peaks are measured on Linux"),
]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_model(tmp_path_factory.mktemp("model") / "bert", "bert", **SIZES)


@pytest.mark.parametrize(
    ("dtype", "tokens_per_batch", "compute_dtype"),
    [("float16", 1024, "float32"), ("float32", 4096, "float32"), ("float16", 1024, "bfloat16")],
)
def test_a_worker_stays_within_its_bound(
    tmp_path: Path, model: Path, dtype: str, tokens_per_batch: int, compute_dtype: str
) -> None:
    command = [sys.executable, "-m", "tests.support.peak_memory", model, tmp_path / "store", dtype,
               str(tokens_per_batch), compute_dtype]  # fmt: skip
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "1"}  # as workers are started
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["n_shards"] >= 4
    assert found["shard"] < found["added"] < found["bound"]
