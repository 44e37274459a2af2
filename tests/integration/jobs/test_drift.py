"""[[drift]] through the command line on a small real store: table, SQL, resume; its how-to is run."""

import json
import re
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import actstore
from actstore.errors import UnitsFailedError
from actstore.query.measures import change, cosine
from actstore.schema.ports import Resources
from actstore.serial import SerialExecutor
from actstore.store.source import StoreSource
from analyses.drift.work import DriftWork
from jobs.cli import main
from jobs.console import Console
from jobs.drift import PlannedDrift, plan_drift_block
from jobs.study.load import load_study
from tests.support.small_store import SmallStore, prepare

HOWTO = (Path(__file__).parents[3] / "docs" / "howto" / "drift.md").read_text()
STUDY = """
store = "store"
[[checkpoint]]
name = "base"
model = "./none"
[[checkpoint]]
name = "tuned"
model = "./none"
base = "base"
[[corpus]]
name = "small"
path = "none.txt"
format = "text"
max_length = 16
[extract]
dtype = "float32"
tokens_per_batch = 64
"""


def block(language: str, number: int = 0) -> str:
    return re.findall(rf"```{language}\n(.*?)```", HOWTO, re.DOTALL)[number]


@pytest.fixture
def small(tmp_path) -> SmallStore:
    store = prepare(tmp_path / "store", checkpoints=("base", "tuned"), blocks_per_shard=8)
    store.extract()
    (tmp_path / "study.toml").write_text(STUDY + block("toml"))
    return store


def analyse(tmp_path, *more: str) -> int:
    return main(["analyse", str(tmp_path / "study.toml"), *more, "--ray-address", "none"])


def expected(small: SmallStore) -> pa.Table:
    layers = []
    for layer in range(3):
        x_TD, y_TD = (small.expected(name, layer) for name in ("base", "tuned"))
        layers.append(np.stack([cosine(x_TD, y_TD), change(x_TD, y_TD)]))
    return np.concatenate(layers, axis=1)


def test_the_table_its_means_and_its_figure(small, tmp_path, capsys):
    assert analyse(tmp_path) == 0
    told = capsys.readouterr().out
    assert "drift moved: mean cosine and mean relative change" in told
    assert told.count("figure: ") == 1
    store = actstore.open(str(tmp_path / "store"))
    table = store.sql("SELECT * FROM drift")
    assert table.num_rows == 3 * small.tables.tokens.num_rows
    found = np.stack([table.column(name).to_numpy() for name in ("cosine", "relative_l2")])
    np.testing.assert_allclose(found, expected(small), atol=2e-6)
    assert table.column("token").to_pylist() == small.tables.tokens.column("token").to_pylist() * 3
    assert analyse(tmp_path, "--json") == 0
    answer = json.loads(capsys.readouterr().out)["results"][0]
    assert (answer["kind"], answer["n_computed"], len(answer["rows"])) == ("drift", 0, 3)
    assert answer["rows"][1]["mean_cosine"] == pytest.approx(
        expected(small)[0].reshape(3, -1)[1].mean(), abs=1e-6
    )
    assert main(["report", str(tmp_path / "study.toml")]) == 0
    assert main(["ls", str(tmp_path / "store")]) == 0


def test_the_howto_answers_its_questions(small, tmp_path):
    assert analyse(tmp_path) == 0
    store = actstore.open(str(tmp_path / "store"))
    classes = store.sql(block("sql")).to_pylist()
    assert classes == sorted(classes, key=lambda row: row["mean_cosine"])
    assert {row["upos"] for row in classes} == {w.upos for e in small.examples for w in e.words}
    last = expected(small)[0].reshape(3, -1)[2]
    upos = [None if t["special"] else small.examples[t["example"]].words[t["token"] - 1].upos
            for t in small.tables.tokens.to_pylist()]  # fmt: skip
    for row in classes:
        mine = [value for value, tag in zip(last, upos, strict=True) if tag == row["upos"]]
        assert row["n_tokens"] == len(mine)
        assert row["mean_cosine"] == pytest.approx(np.mean(mine), abs=1e-4)
    words = store.sql(block("sql", 1))
    assert words.num_rows == 20
    assert words.column("cosine")[0].as_py() == pytest.approx(
        min(value for value, t in zip(expected(small)[0], upos * 3, strict=True) if t), abs=1e-6
    )


def test_drift_chooses_rows_of_a_query(small, tmp_path):
    assert analyse(tmp_path) == 0
    names: dict = {"store": actstore.open(str(tmp_path / "store"))}
    exec(block("python"), names)
    found = names["moved"].read_all()
    last = expected(small)[0].reshape(3, -1)[2]
    chosen = small.tables.tokens.filter(pa.array(last < 0.6))
    assert 0 < chosen.num_rows < len(last)
    assert found.column("example").to_pylist() == chosen.column("example").to_pylist() * 2
    assert found.column("token").to_pylist() == chosen.column("token").to_pylist() * 2


class Flaky(SerialExecutor):
    """Gives up on the units whose number it is told."""

    def __init__(self, lost: set[int]) -> None:
        self.lost = lost

    def map(self, work, units, resources):
        kept = [unit for number, unit in enumerate(units) if number not in self.lost]
        yield from super().map(work, kept, resources)
        for number in self.lost:
            yield from super().map(Broken(), [units[number]], resources)


class Broken:
    """A work that fails."""

    def open(self, group):
        return self

    def do(self, unit):
        raise OSError("the disk is gone")

    def close(self):
        self.closed = True


def test_a_stopped_analysis_goes_on_with_what_is_missing(small, tmp_path):
    study = load_study(tmp_path / "study.toml")
    planned = plan_drift_block(small.objects, small.objects, study, study.drift[0])
    assert len(planned.units) > 6
    with pytest.raises(
        UnitsFailedError, match=r"drift 'moved': 2 of \d+ units failed \(OSError: the disk is gone\)"
    ):
        planned.run(Flaky({0, 4}), Resources(), Console())
    assert planned.writer.provenance() is None
    finished = planned.run(SerialExecutor(), Resources(), Console())
    assert finished.n_computed == 2
    assert planned.run(SerialExecutor(), Resources(), Console()).n_computed == 0
    path = small.objects.local_path(planned.writer.key("table.parquet"))
    # joined a part at a time: a row group each, in the order of the units
    assert pq.ParquetFile(path).num_row_groups == len(planned.units)
    table = actstore.open(str(tmp_path / "store")).sql("SELECT * FROM drift")
    np.testing.assert_allclose(table.column("cosine").to_numpy(), expected(small)[0], atol=2e-6)


def test_parts_are_gone_once_the_table_is_sealed_and_not_before(small, tmp_path):
    study = load_study(tmp_path / "study.toml")
    planned = plan_drift_block(small.objects, small.objects, study, study.drift[0])
    writer, keys = planned.writer, {unit.key for unit in planned.units}
    with pytest.raises(UnitsFailedError):
        planned.run(Flaky({3}), Resources(), Console())
    assert len(writer.done_units()) == len(keys) - 1
    # a session that was killed after its table and before its provenance
    left = [planned.units[3]]
    for outcome in SerialExecutor().map(DriftWork(source=StoreSource(small.objects.url)), left, Resources()):
        writer.put_part(outcome.unit.key, outcome.result)
    writer.join_parts([unit.key for unit in planned.units])
    assert writer.done_units() == keys
    assert planned.run(SerialExecutor(), Resources(), Console()).n_computed == 0
    assert writer.done_units() == set()
    # and one that was killed between its provenance and the removal
    writer.put_part(left[0].key, outcome.result)
    assert planned.run(SerialExecutor(), Resources(), Console()).n_computed == 0
    assert writer.done_units() == set()
    table = actstore.open(str(tmp_path / "store")).sql("SELECT * FROM drift")
    np.testing.assert_allclose(table.column("cosine").to_numpy(), expected(small)[0], atol=2e-6)


class Overtaken(SerialExecutor):
    """While it works, another session finishes the same analysis and removes its parts."""

    def __init__(self, planned: PlannedDrift) -> None:
        self.planned = planned

    def map(self, work, units, resources):
        outcomes = list(super().map(work, units[:4], resources))
        self.planned.run(SerialExecutor(), resources, Console())
        yield from outcomes
        yield from super().map(work, units[4:], resources)


def test_a_session_that_is_overtaken_takes_what_is_there(small, tmp_path):
    study = load_study(tmp_path / "study.toml")
    planned = plan_drift_block(small.objects, small.objects, study, study.drift[0])
    finished = planned.run(Overtaken(planned), Resources(), Console())
    assert finished.table.num_rows == 3
    assert planned.writer.done_units() == set()


def test_quarantined_examples_are_left_out(tmp_path):
    store = prepare(
        tmp_path / "store", checkpoints=("base", "tuned"), poison=9, blocks_per_shard=8, tokens_per_batch=512
    )
    del store.arguments["tuned"]["poison"]
    store.extract()
    (tmp_path / "study.toml").write_text(STUDY.replace("64", "512") + block("toml"))
    assert analyse(tmp_path) == 0
    opened = actstore.open(str(tmp_path / "store"))
    (left_out,) = (
        opened.sql("SELECT list(DISTINCT example) AS e FROM tokens WHERE token_id = 9")
        .column("e")
        .to_pylist()
    )
    examples = set(opened.sql("SELECT DISTINCT example FROM drift").column("example").to_pylist())
    assert left_out
    assert examples == set(range(len(store.examples))) - set(left_out)


def test_unfinished_and_unknown(small, tmp_path, capsys):
    assert main(["report", str(tmp_path / "study.toml")]) == 1
    assert "moved is not finished; run `actstore analyse" in capsys.readouterr().err
    assert analyse(tmp_path, "other") == 2
    assert "no analysis 'other'; it has moved" in capsys.readouterr().err
