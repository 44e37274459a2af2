"""[[word_probe]] by the command line on a small store: rows, what lies beside them, resume, refusals."""

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

import actstore
from actstore.schema.ports import Resources
from actstore.serial import SerialExecutor
from jobs.cli import main
from jobs.console import Console
from jobs.study.load import load_study
from jobs.word import plan_word
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
[[word_probe]]
name = "words"
train = "small"
dev = "small"
test = "small"
checkpoints = ["base"]
learning_rate = 1e-2
epochs = 6
hidden = 16
"""


@pytest.fixture
def small(tmp_path: Path) -> SmallStore:
    store = prepare(tmp_path / "store", blocks_per_shard=8)
    store.extract()
    return store


def analyse(tmp_path: Path, more: str = "", *words: str, verb: str = "analyse") -> int:
    (tmp_path / "study.toml").write_text(STUDY + more)
    workers = ["--ray-address", "none"] if verb == "analyse" else []
    return main([verb, str(tmp_path / "study.toml"), *words, *workers])


def place(tmp_path: Path) -> Path:
    [found] = (tmp_path / "store/results/word_probe/words").iterdir()
    return found


def test_rows_figures_sql_and_report(
    small: SmallStore, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    more = 'kinds = ["linear", "mlp"]\ncontrol = true\nv_information = true\ngiven = 0\n'
    assert analyse(tmp_path, more, verb="report") == 1
    capsys.readouterr()
    assert analyse(tmp_path, more) == 0
    assert "word_probe words: Selectivity (upos" in capsys.readouterr().out
    rows = actstore.open(str(tmp_path / "store")).sql("SELECT * FROM word_probe").to_pylist()
    assert [(row["kind"], row["layer"]) for row in rows] == [
        (kind, layer) for kind in ("linear", "mlp") for layer in (0, 1, 2)
    ]
    beside = pq.read_table(place(tmp_path) / "probes.parquet").to_pylist()
    n_words = sum(len(example.words) for example in small.examples)
    for row in beside:
        assert row["n_words"] == n_words
        assert row["selectivity"] == pytest.approx(row["accuracy"] - row["control_accuracy"])
        assert row["i_v_bits"] == pytest.approx(row["h_bits"] - row["h_v_bits"])
        assert row["i_given_bits"] == pytest.approx(row["h_given_bits"] - row["h_beside_bits"])
        assert 0 < row["majority"] < 1
        assert row["n_types"] == len({word.text for one in small.examples for word in one.words})
    assert analyse(tmp_path, more, "--json") == 0
    answer = json.loads(capsys.readouterr().out)["results"][0]
    assert (answer["kind"], answer["n_computed"], answer["rows"]) == ("word_probe", 0, rows)
    assert {Path(figure).stem for figure in answer["figures"]} == {"words"}


def test_what_was_done_is_not_done_again(small: SmallStore, tmp_path: Path) -> None:
    assert analyse(tmp_path, "seeds = [0, 1]\n") == 0
    here = place(tmp_path)
    whole = pq.read_table(here / "table.parquet")
    for name in ("parts/linear~base~L01-s1.parquet", "table.parquet", "probes.parquet", "provenance.json"):
        (here / name).unlink()
    study = load_study(tmp_path / "study.toml")
    planned = plan_word(small.objects, small.objects, study, study.word_probe[0])
    assert planned.run(SerialExecutor(), Resources(), Console()).n_computed == 1
    assert pq.read_table(here / "table.parquet").equals(whole)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("layers = [0, 7]\n", "layers [7] of base are not stored; there are [0, 1, 2]"),
        ("given = 9\n", "layers [9] of base are not stored; there are [0, 1, 2]"),
        ('label = "srl"\n', "has no label set 'srl'"),
        ('label = "xpos"\n', "label set 'xpos' of corpus small has no target"),
    ],
)
def test_requests_that_are_wrong(
    small: SmallStore, tmp_path: Path, capsys: pytest.CaptureFixture[str], more: str, said: str
) -> None:
    assert analyse(tmp_path, more) == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "store/results").exists()
