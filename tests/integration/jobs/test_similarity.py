"""[[similarity]] through the command line on small real stores: tables, figures, replicates, resume."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from actstore.errors import UnitsFailedError
from actstore.schema.ports import Outcome, Resources, Unit, Work
from actstore.serial import SerialExecutor
from actstore.store.names import bind_checkpoint, checkpoint
from actstore.store.root import open_root
from analyses.similarity.tiling import Limits
from jobs.cli import main
from jobs.console import Console
from jobs.similarity import plan_similarity
from jobs.study.load import load_study
from tests.support.small_store import prepare

CHECKPOINT = """
[[checkpoint]]
name = "{name}"
model = "./none"
{more}"""
REST = """
[[corpus]]
name = "small"
path = "none.txt"
format = "text"
max_length = 16
[extract]
dtype = "float32"
tokens_per_batch = 64
[[similarity]]
name = "s"
corpora = ["small"]
"""
SMALL = Limits(flops_per_part=20_000, rows_per_step=16, parts_per_merge=3)


def make(place: Path, names: dict[str, str], similarity: str) -> Path:
    """A store and a study of some checkpoints, each with more keys."""
    prepare(place / "store", checkpoints=tuple(names), n_examples=60).extract()
    blocks = "".join(CHECKPOINT.format(name=name, more=more) for name, more in names.items())
    (place / "study.toml").write_text('store = "store"\n' + blocks + REST + similarity)
    return place / "study.toml"


def analyse(study: Path, capsys: pytest.CaptureFixture[str]) -> dict:
    assert main(["analyse", str(study), "--ray-address", "none", "--json"]) == 0
    (result,) = json.loads(capsys.readouterr().out)["results"]
    return result


def test_a_series_of_checkpoints_gives_a_table_a_map_and_markdown(tmp_path, capsys):
    names = {f"step{step}": "" for step in (0, 1, 2, 10, 20)}
    result = analyse(make(tmp_path, names, 'measures = ["rsa", "pwcca"]\npairs = "all"\n'), capsys)
    rows = [row for row in result["rows"] if row["measure"] == "rsa"]
    assert len(rows) == 10 * 3
    order = [(row["checkpoint_a"], row["checkpoint_b"], row["layer_a"]) for row in rows]
    assert order[:4] == [("step0", "step1", layer) for layer in range(3)] + [("step0", "step2", 0)]
    assert {Path(file).name for file in result["figures"]} == {
        f"s-{measure}-checkpoints.{suffix}"
        for measure in ("rsa", "pwcca")
        for suffix in ("svg", "png", "html")
    }
    text = Path(result["markdown"]).read_text()
    assert "step0 : step1 on small" in text
    assert "| small | 60 |" in text


def test_one_line_a_figure_on_the_terminal(tmp_path, capsys):
    study = make(tmp_path, {"base": "", "tuned": 'base = "base"'}, 'measures = ["rsa"]\nlayers = "all"\n')
    assert main(["analyse", str(study), "--ray-address", "none"]) == 0
    told = [line for line in capsys.readouterr().out.splitlines() if line.startswith(("figure:", "table:"))]
    assert [line.rsplit("/", 1)[1] for line in told] == [
        "s-rsa-layers.{svg,png,html}", "s-rsa.{svg,png,html}", "table.md",
    ]  # fmt: skip


def test_replicates_have_one_mean_one_curve_and_an_interval(tmp_path, capsys):
    tuned = {f"tuned-s{seed}": f'base = "base"\nreplicate = {seed}' for seed in range(3)}
    study = make(tmp_path, {"base": "", **tuned}, 'measures = ["cka"]\nresamples = 50\n')
    objects = open_root(str(tmp_path / "store"))
    for seed, name in enumerate(tuned):
        bind_checkpoint(objects, replace(checkpoint(objects, name), replicate=seed))
    result = analyse(study, capsys)
    folder = Path(result["markdown"]).parent
    together = pq.read_table(folder / "replicates.parquet").to_pylist()
    assert [(row["checkpoints_b"], row["layer_a"], row["n_replicates"]) for row in together] == [
        ("tuned", layer, 3) for layer in range(3)
    ]
    for row in together:
        values = [item["value"] for item in result["rows"] if item["layer_a"] == row["layer_a"]]
        assert row["mean"] == pytest.approx(sum(values) / 3)
        assert row["low"] < row["mean"] < row["high"]
    assert "resampled" not in result["rows"][0]
    assert "mean ± deviation over replicates" in Path(result["markdown"]).read_text()
    svg = next(Path(file) for file in result["figures"] if file.endswith("s-cka.svg")).read_text()
    assert "standard deviation" in svg
    assert "tuned-s0" not in svg


def test_all_tokens_in_parts_give_the_same_and_an_interrupted_one_goes_on(tmp_path):
    asked = 'measures = ["rsa", "cka-debiased", "procrustes"]\ntokens = "all"\n'
    study = load_study(make(tmp_path, {"base": "", "tuned": 'base = "base"'}, asked))
    objects = open_root(study.store)
    planned = [
        plan_similarity(objects, objects, study, study.similarity[0], **options)
        for options in ({}, {"limits": SMALL})
    ]
    assert len(planned[0].plan.stages) == 1
    assert len(planned[1].plan.stages) > 2
    whole = planned[0].run(SerialExecutor(), Resources(), Console(as_json=True))

    failing = Interrupted(after=7)
    with pytest.raises(UnitsFailedError, match="the same command goes on"):
        planned[1].run(failing, Resources(), Console(as_json=True))
    assert len(planned[1].sums.done()) == 7
    counted = Interrupted(after=10**9)
    parts = planned[1].run(counted, Resources(), Console(as_json=True))
    n_units = sum(map(len, planned[1].plan.stages))
    assert parts.n_computed == counted.n_done == n_units - 7
    assert planned[1].sums.done() == set()
    for a, b in zip(whole.table.to_pylist(), parts.table.to_pylist(), strict=True):
        assert b.pop("value") == pytest.approx(a.pop("value"), abs=1e-5)
        assert a == b
    again = planned[1].run(failing, Resources(), Console(as_json=True))
    assert again.n_computed == 0


class Interrupted(SerialExecutor):
    """One process whose units fail after some."""

    def __init__(self, after: int) -> None:
        self.after, self.n_done = after, 0

    def map(self, work: Work, units: Sequence[Unit], resources: Resources) -> Iterator[Outcome]:
        left = self.after - self.n_done
        for outcome in super().map(work, units[:left], resources):
            self.n_done += 1
            yield outcome
        if left < len(units):
            raise UnitsFailedError("a machine is gone; the same command goes on from there")
