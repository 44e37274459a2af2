"""[[structural_probe]] through the command line on a small store: rows, SQL, resume, report, refusals."""

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

import actstore
from actstore.schema.ports import Resources
from actstore.serial import SerialExecutor
from jobs.cli import main
from jobs.console import Console
from jobs.structural import plan_structural
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
[[structural_probe]]
name = "trees"
train = "small"
dev = "small"
test = "small"
checkpoints = ["base"]
epochs = 2
"""
MORE = 'rank = [2, 4]\nseeds = [0, 1]\npunctuation = "upos"\npredictions = true\n'


@pytest.fixture
def small(tmp_path: Path) -> SmallStore:
    store = prepare(tmp_path / "store", blocks_per_shard=8)
    store.extract()
    return store


def analyse(tmp_path: Path, more: str = "", *words: str, verb: str = "analyse") -> int:
    (tmp_path / "study.toml").write_text(STUDY + more)
    workers = ["--ray-address", "none"] if verb == "analyse" else []
    return main([verb, str(tmp_path / "study.toml"), *words, *workers])


def test_rows_tables_figures_and_report(
    small: SmallStore, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert analyse(tmp_path, verb="report") == 1
    capsys.readouterr()
    assert analyse(tmp_path) == 0
    told = capsys.readouterr().out
    for title in ("Distance Spearman", "UUAS", "Depth Spearman", "Root accuracy"):
        assert f"structural_probe trees: {title} (test set, 40 sentences)" in told
    rows = actstore.open(str(tmp_path / "store")).sql("SELECT * FROM structural_probe").to_pylist()
    assert len(rows) == 2 * 3 * 2
    assert {(row["kind"], row["layer"], row["split"]) for row in rows} == {
        (kind, layer, split)
        for kind in ("distance", "depth")
        for layer in range(3)
        for split in ("dev", "test")
    }
    assert all(row["uuas"] is not None for row in rows if row["kind"] == "distance")
    assert all(row["root_acc"] is not None for row in rows if row["kind"] == "depth")
    assert {(row["rank"], row["seed"], row["n_sentences"]) for row in rows} == {(8, 0, 40)}
    assert analyse(tmp_path, "", "--json") == 0
    answer = json.loads(capsys.readouterr().out)["results"][0]
    assert (answer["kind"], answer["n_computed"], answer["rows"]) == ("structural_probe", 0, rows)
    assert all(Path(figure).stat().st_size > 1000 for figure in answer["figures"])
    assert analyse(tmp_path, verb="report") == 0


def test_a_sweep_of_ranks_with_seeds_and_predictions(small: SmallStore, tmp_path: Path) -> None:
    assert analyse(tmp_path, MORE) == 0
    [place] = (tmp_path / "store/results/structural_probe/trees").iterdir()
    assert (place / "trees-ranks.png").exists()
    assert len(list((place / "parts").iterdir())) == 2 * 3 * 2 * 2
    predictions = pq.read_table(place / "predictions/distance-base-r0004-s1-L02.parquet").to_pylist()
    lengths = [len(example.words) for example in small.examples]
    assert [len(row["gold"]) for row in predictions if row["split"] == "test"] == [
        n for n in lengths for _ in range(n)
    ]
    provenance = json.loads((place / "provenance.json").read_text())
    assert provenance["block"]["ranks"] == [2, 4]
    assert provenance["runs"]["base over small"]["content_sha256"]


def test_what_was_done_is_not_done_again(small: SmallStore, tmp_path: Path) -> None:
    """Of an interrupted analysis only probes without a part are trained; the numbers are the same."""
    assert analyse(tmp_path) == 0
    [place] = (tmp_path / "store/results/structural_probe/trees").iterdir()
    whole = pq.read_table(place / "table.parquet")
    lost = [place / "parts" / f"distance-base-r0008-s0-L0{layer}.parquet" for layer in (0, 2)]
    kept = place / "parts/distance-base-r0008-s0-L01.parquet"
    before = kept.stat().st_mtime_ns
    for path in [*lost, place / "table.parquet", place / "probes.parquet", place / "provenance.json"]:
        path.unlink()
    study = load_study(tmp_path / "study.toml")
    planned = plan_structural(small.objects, small.objects, study, study.structural_probe[0])
    done = planned.run(SerialExecutor(), Resources(), Console())
    assert done.n_computed == 1
    assert kept.stat().st_mtime_ns == before
    assert pq.read_table(place / "table.parquet").equals(whole)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("layers = [0, 7]\n", "layers [7] of base are not stored; there are [0, 1, 2]"),
        ("rank = 9\n", "rank = 9, but the layers of base have 8 units"),
        ("rank = [0]\n", "allowed are a number of rows from 1, or a list of them"),
        ('punctuation = "pos"\n', "punctuation"),
    ],
)
def test_requests_that_are_wrong(
    small: SmallStore, tmp_path: Path, capsys: pytest.CaptureFixture[str], more: str, said: str
) -> None:
    assert analyse(tmp_path, more) == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "store/results").exists()
