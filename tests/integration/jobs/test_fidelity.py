"""`actstore fidelity`: the receipts' sums are those of the stored values, and RSA is lost as expected."""

import json
from pathlib import Path

import numpy as np
import pytest

import actstore
from jobs.cli import main
from tests.support.small_store import prepare


@pytest.fixture
def store(tmp_path: Path) -> Path:
    for dtype in ("float32", "float16", "int8"):
        prepare(tmp_path / "s", n_examples=60, dtype=dtype).extract()
    return tmp_path / "s"


def told(store: Path, capsys: pytest.CaptureFixture[str], *arguments: str) -> list[dict]:
    assert main(["fidelity", str(store), "--json", *arguments]) == 0
    return json.loads(capsys.readouterr().out)["fidelity"]


def test_the_sums_are_those_of_the_stored_values(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    opened = actstore.open(str(store))
    ids = {row["dtype"]: row["run_id"] for row in opened.runs.to_pylist()}
    exact = opened.run("base", "small", run=ids["float32"]).read(layer=2).values
    stored = opened.run("base", "small", run=ids["int8"]).read(layer=2).values
    relative = np.linalg.norm(stored - exact, axis=1) / np.linalg.norm(exact, axis=1)
    rows = {(row["dtype"], row["site"]): row for row in told(store, capsys)}
    assert rows["int8", "L02"]["relative_l2_mean"] == pytest.approx(relative.mean(), rel=1e-4)
    assert rows["int8", "L02"]["relative_l2_max"] == pytest.approx(relative.max(), rel=1e-4)
    assert rows["float32", "L02"]["relative_l2_max"] == 0
    assert 0 < rows["float16", "L02"]["cosine_loss_mean"] < rows["int8", "L02"]["cosine_loss_mean"]


def test_rsa_is_compared_with_the_float32_run(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = {(row["dtype"], row["site"]): row["rsa_loss"] for row in told(store, capsys, "--rsa")}
    assert rows["float32", "L01"] is None
    assert abs(rows["float16", "L01"]) < abs(rows["int8", "L01"]) < 1e-3


def test_without_a_float32_run_it_says_what_to_do(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    prepare(tmp_path / "s", dtype="float16").extract()
    assert main(["fidelity", str(tmp_path / "s"), "--rsa"]) == 2
    assert 'dtype = "float32"' in capsys.readouterr().err
