"""`actstore fidelity`: the receipts' sums are those of the stored values; RSA and probes lose as expected."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

import actstore
from actstore.extract.driver import extract_runs
from actstore.schema.ports import Resources
from actstore.schema.tokens import TokenBatch
from actstore.serial import SerialExecutor
from actstore.store import catalog
from jobs.cli import main
from jobs.precision_probe import probe_accuracies
from tests.support.small_store import FormulaExtractor, prepare


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


def test_a_probe_is_compared_with_that_of_the_float32_run(
    store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = {(row["dtype"], row["site"]): row for row in told(store, capsys, "--probe", "upos")}
    assert rows["float32", "L01"]["probe_loss"] is None
    for site in ("L00", "L02"):
        assert 0 < rows["float16", site]["probe_accuracy"] <= 1
        assert abs(rows["float16", site]["probe_loss"]) < 0.05
    assert rows["float16", "L01"]["rsa_loss"] is None


def test_a_probe_loses_what_the_stored_values_lost(tmp_path: Path) -> None:
    """The float16 run here tells a token's place and not which token it is: its probe has to show it."""
    prepare(tmp_path / "s", n_examples=400).extract()
    small = prepare(tmp_path / "s", n_examples=400, dtype="float16")
    extract_runs(
        small.objects,
        small.plans(),
        SerialExecutor(),
        Resources(overlap=2),
        open_extractor=Wordless,
        checkpoints=small.arguments,
    )
    runs = {info.spec.dtype: info for info in catalog.list_runs(small.objects)}
    found = probe_accuracies(small.objects, runs["float32"], runs["float16"], "upos", 5000)
    assert all(before > after + 0.1 for before, after in found.values())


class Wordless(FormulaExtractor):
    """Every token as if it were one and the same."""

    def forward(self, batch: TokenBatch) -> dict[str, npt.NDArray[np.float32]]:
        return super().forward(replace(batch, token_id_T=np.zeros_like(batch.token_id_T)))


def test_a_label_set_that_is_not_there_is_refused(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fidelity", str(store), "--probe", "senses"]) == 2
    said = capsys.readouterr().err
    assert "senses" in said
    assert "upos" in said


def test_too_few_examples_are_refused(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fidelity", str(store), "--probe", "upos", "--tokens", "3"]) == 2
    assert "raise --tokens" in capsys.readouterr().err
