"""[[edge_probe]] by the command line on a small store: rows, figures, SQL, resume, streaming, refusals."""

import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

import actstore
from actstore.schema.ports import Resources
from actstore.serial import SerialExecutor
from jobs.cli import main
from jobs.console import Console
from jobs.edge import plan_edge
from jobs.study.load import load_study
from tests.support.small_store import SmallStore, prepare

STUDY = """
store = "store"
[[checkpoint]]
name = "base"
model = "./none"
[[corpus]]
name = "small"
path = "none.conllu"
format = "conllu"
max_length = 16
[extract]
dtype = "float32"
tokens_per_batch = 64
[edge_tasks.pos]
train = "small"
dev = "small"
test = "small"
labels = "upos"
[edge_tasks.dep]
train = "small"
dev = "small"
test = "small"
labels = "{labels}"
[[edge_probe]]
name = "edges"
tasks = ["pos", "dep"]
checkpoints = ["base"]
hidden = 16
learning_rate = 1e-2
max_steps = 40
"""


@pytest.fixture
def small(tmp_path: Path) -> SmallStore:
    store = prepare(tmp_path / "store", blocks_per_shard=8)
    store.extract()
    return store


def analyse(
    tmp_path: Path, more: str = "", *words: str, verb: str = "analyse", labels: str = "deprel"
) -> int:
    (tmp_path / "study.toml").write_text(STUDY.replace("{labels}", labels) + more)
    workers = ["--ray-address", "none"] if verb == "analyse" else []
    return main([verb, str(tmp_path / "study.toml"), *words, *workers])


def place(tmp_path: Path) -> Path:
    [found] = (tmp_path / "store/results/edge_probe/edges").iterdir()
    return found


def test_rows_figures_sql_and_report(
    small: SmallStore, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    more = 'modes = ["mix", "lexical"]\nseeds = [0, 1]\npredictions = true\n'
    assert analyse(tmp_path, more, verb="report") == 1
    capsys.readouterr()
    assert analyse(tmp_path, more) == 0
    assert "edge_probe edges: micro-F1, test set" in capsys.readouterr().out
    rows = actstore.open(str(tmp_path / "store")).sql("SELECT * FROM edge_probe").to_pylist()
    n_words = sum(len(example.words) for example in small.examples)
    assert len(rows) == 2 * 2 * 2 * 2
    for row in rows:
        assert row["n_targets"] == n_words
        assert row["layer"] == (None if row["mode"] == "mix" else 0)
        assert 0 <= row["micro_f1_all"] <= 1
    assert min(row["micro_f1_all"] for row in rows if row["task"] == "dep") > 0.6
    assert analyse(tmp_path, more, "--json") == 0
    answer = json.loads(capsys.readouterr().out)["results"][0]
    assert (answer["kind"], answer["n_computed"], answer["rows"]) == ("edge_probe", 0, rows)
    assert {Path(figure).stem for figure in answer["figures"]} == {
        "edges", "edges-mix", "edges-confusion-pos", "edges-confusion-dep"
    }  # fmt: skip


def test_what_lies_beside_the_table(small: SmallStore, tmp_path: Path) -> None:
    assert analyse(tmp_path, "predictions = true\n") == 0
    rows = pq.read_table(place(tmp_path) / "probes.parquet").to_pylist()
    for row in rows:
        counts = np.array(row["label_counts"]).reshape(-1, 3)
        tp, fp, fn = counts.sum(axis=0)
        assert row["micro_f1_all"] == pytest.approx(2 * tp / (2 * tp + fp + fn))
        assert row["low_all"] <= row["micro_f1_all"] <= row["high_all"]
        assert sum(row["confusion"]) == row["n_targets"]
        assert sum(row["mix_weights"]) == pytest.approx(1)
        assert row["centre_of_gravity"] == pytest.approx(np.dot(row["mix_weights"], [0, 1, 2]))
        assert all(norm > 0 for norm in row["layer_norms"])
        assert (row["n_steps"], row["streamed"], row["n_unseen"]) == (40, False, 0)
    told = pq.read_table(place(tmp_path) / "predictions/pos~base~mix-s0.parquet").to_pylist()
    labels = rows[0]["labels"]
    test = [row for row in told if row["split"] == "test"]
    assert len(test) == rows[1]["n_targets"]
    right = sum(
        (logit >= 0) and label in row["gold"]
        for row in test
        for label, logit in zip(labels, row["logits"], strict=True)
    )
    assert right == np.array(rows[1]["label_counts"]).reshape(-1, 3)[:, 0].sum()


def test_layers_are_the_same_whatever_stands_beside_them(small: SmallStore, tmp_path: Path) -> None:
    assert analyse(tmp_path, 'modes = ["each-layer", "top", "lexical", "cumulative"]\n') == 0
    found = pq.read_table(place(tmp_path) / "table.parquet").to_pylist()
    rows = {(row["task"], row["mode"], row["layer"], row["split"]): row["micro_f1_all"] for row in found}
    for task in ("pos", "dep"):
        assert rows[task, "top", 2, "test"] == rows[task, "each-layer", 2, "test"]
        assert rows[task, "lexical", 0, "test"] == rows[task, "each-layer", 0, "test"]
        assert rows[task, "cumulative", 0, "dev"] == rows[task, "each-layer", 0, "dev"]
    assert (place(tmp_path) / "edges-layers.png").exists()


def test_what_was_done_is_not_done_again(small: SmallStore, tmp_path: Path) -> None:
    assert analyse(tmp_path, "seeds = [0, 1]\n") == 0
    here = place(tmp_path)
    whole = pq.read_table(here / "table.parquet")
    for name in ("parts/pos~base~mix-s1.parquet", "table.parquet", "probes.parquet", "provenance.json"):
        (here / name).unlink()
    study = load_study(tmp_path / "study.toml")
    planned = plan_edge(small.objects, small.objects, study, study.edge_probe[0])
    assert planned.run(SerialExecutor(), Resources(), Console()).n_computed == 1
    assert pq.read_table(here / "table.parquet").equals(whole)


def test_what_does_not_fit_in_memory_is_streamed(small: SmallStore, tmp_path: Path) -> None:
    """One unit for the whole group, which one scan feeds; the memory is then part of what a result is."""
    assert analyse(tmp_path, "memory = 1e-5\n") == 0
    rows = pq.read_table(place(tmp_path) / "probes.parquet").to_pylist()
    assert all(row["streamed"] for row in rows)
    assert min(row["micro_f1_all"] for row in rows if row["task"] == "dep") > 0.6
    study = load_study(tmp_path / "study.toml")
    planned = plan_edge(small.objects, small.objects, study, study.edge_probe[0])
    assert len(planned.units_left(set())) == 1
    (tmp_path / "study.toml").write_text(STUDY.replace("{labels}", "deprel") + "memory = 2.0\n")
    roomy = [plan_edge(small.objects, small.objects, one, one.edge_probe[0]) for one in _two(tmp_path)]
    assert len({one.writer.result_id for one in roomy}) == 1
    assert roomy[0].writer.result_id != planned.writer.result_id


def _two(tmp_path: Path) -> list:
    studies = [load_study(tmp_path / "study.toml")]
    (tmp_path / "study.toml").write_text(STUDY.replace("{labels}", "deprel"))
    return [*studies, load_study(tmp_path / "study.toml")]


@pytest.mark.parametrize(
    ("more", "labels", "said"),
    [
        ("layers = [0, 7]\n", "deprel", "layers [7] of base are not stored; there are [0, 1, 2]"),
        ("", "srl", "has no label set 'srl'; it has upos, xpos, deprel"),
        ("", "xpos", "label set 'xpos' of corpus small has no target"),
        ("memory = 0.0\n", "deprel", "memory"),
    ],
)
def test_requests_that_are_wrong(
    small: SmallStore, tmp_path: Path, capsys: pytest.CaptureFixture[str], more: str, labels: str, said: str
) -> None:
    assert analyse(tmp_path, more, labels=labels) == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "store/results").exists()
