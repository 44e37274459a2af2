"""[[mdl_probe]] through the command line on a small store: rows, units, SQL, resume, company, refusals."""

import json
import math
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

import actstore
from actstore.schema.ports import Resources
from actstore.serial import SerialExecutor
from jobs.cli import main
from jobs.console import Console
from jobs.mdl import plan_mdl
from jobs.study.load import load_study
from tests.support.small_store import UPOS, SmallStore, prepare

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
labels = "{labels}"
[[mdl_probe]]
name = "codes"
tasks = ["pos"]
checkpoints = ["base"]
hidden = 16
learning_rate = 1e-2
max_steps = 40
validate_every = 20
epochs = 4
"""


@pytest.fixture
def small(tmp_path: Path) -> SmallStore:
    store = prepare(tmp_path / "store", blocks_per_shard=8)
    store.extract()
    return store


def analyse(tmp_path: Path, more: str = "", *words: str, verb: str = "analyse", labels: str = "upos") -> int:
    (tmp_path / "study.toml").write_text(STUDY.replace("{labels}", labels) + more)
    workers = ["--ray-address", "none"] if verb == "analyse" else []
    return main([verb, str(tmp_path / "study.toml"), *words, *workers])


def place(tmp_path: Path) -> Path:
    [found] = (tmp_path / "store/results/mdl_probe/codes").iterdir()
    return found


def test_codes_rows_figures_and_report(
    small: SmallStore, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    more = 'codes = ["online", "variational"]\n'
    assert analyse(tmp_path, more, verb="report") == 1
    capsys.readouterr()
    assert analyse(tmp_path, more) == 0
    assert "mdl_probe codes: code lengths in 1,000 bits" in capsys.readouterr().out
    rows = actstore.open(str(tmp_path / "store")).sql("SELECT * FROM mdl_probe").to_pylist()
    n_words = sum(len(example.words) for example in small.examples)
    for row in rows:
        assert (row["mode"], row["layer"], row["n_targets"]) == ("mix", None, n_words)
        assert row["uniform_bits"] == pytest.approx(n_words * math.log2(len(set(UPOS))))
        assert row["compression"] == pytest.approx(row["uniform_bits"] / row["codelength_bits"])
    online, variational = rows
    assert (online["code"], variational["code"]) == ("online", "variational")
    assert online["compression"] > 1.2  # a tag is a function of the word, and the word of the activation
    [found] = [
        row for row in pq.read_table(place(tmp_path) / "probes.parquet").to_pylist() if row["block_nats"]
    ]
    assert found["block_sentences"] == [1, 2, 5, 10, 20, 40]
    assert sum(found["block_targets"]) == n_words
    assert sum(found["block_nats"]) / math.log(2) == pytest.approx(found["codelength_bits"])
    assert found["data_bits"] + found["model_bits"] == pytest.approx(found["codelength_bits"])
    assert found["accuracy"] > 0.5
    assert analyse(tmp_path, more, "--json") == 0
    answer = json.loads(capsys.readouterr().out)["results"][0]
    assert (answer["kind"], answer["n_computed"], answer["rows"]) == ("mdl_probe", 0, rows)
    assert {Path(figure).stem for figure in answer["figures"]} == {"codes", "codes-learning"}


def test_layers_modes_and_company(small: SmallStore, tmp_path: Path) -> None:
    """Every mode; a layer is the same alone and beside others, as itself and as a sum of one."""
    modes = 'modes = ["each-layer", "top", "lexical", "cumulative"]\nmax_steps = 20\n'
    study = STUDY.replace("max_steps = 40\n", "")
    (tmp_path / "study.toml").write_text(study.replace("{labels}", "deprel") + modes)
    assert main(["analyse", str(tmp_path / "study.toml"), "--ray-address", "none"]) == 0
    found = pq.read_table(place(tmp_path) / "table.parquet").to_pylist()
    rows = {(row["mode"], row["layer"]): row["codelength_bits"] for row in found}
    assert [key[1] for key in rows if key[0] == "each-layer"] == [0, 1, 2]
    assert [key[1] for key in rows if key[0] == "cumulative"] == [0, 1, 2]
    assert rows["top", 2] == rows["each-layer", 2]
    assert rows["lexical", 0] == rows["each-layer", 0] == pytest.approx(rows["cumulative", 0])
    assert (place(tmp_path) / "codes-layers.png").exists()


def test_units_of_the_released_evaluation(small: SmallStore, tmp_path: Path) -> None:
    lengths = {}
    for units in ("bits", "voita2020"):
        assert analyse(tmp_path, f'units = "{units}"\n') == 0
        row = actstore.open(str(tmp_path / "store")).sql("SELECT * FROM mdl_probe").to_pylist()[0]
        lengths[units] = row["codelength_bits"]
    [parts] = {path for path in (tmp_path / "store/results/mdl_probe/codes").glob("*/probes.parquet")
               if pq.read_table(path).to_pylist()[0]["codelength_bits"] == lengths["bits"]}  # fmt: skip
    row = pq.read_table(parts).to_pylist()[0]
    first_bits = row["block_targets"][0] * math.log2(len(set(UPOS)))
    assert lengths["voita2020"] == pytest.approx(first_bits + sum(row["block_nats"][1:]))
    assert lengths["bits"] == pytest.approx(first_bits + sum(row["block_nats"][1:]) / math.log(2))


def test_what_was_done_is_not_done_again(small: SmallStore, tmp_path: Path) -> None:
    more = "seeds = [0, 1]\n"
    assert analyse(tmp_path, more) == 0
    here = place(tmp_path)
    whole = pq.read_table(here / "table.parquet")
    lost = ["parts/online-pos-base-mix-s1.parquet", "table.parquet", "probes.parquet", "provenance.json"]
    for name in lost:
        (here / name).unlink()
    study = load_study(tmp_path / "study.toml")
    planned = plan_mdl(small.objects, small.objects, study, study.mdl_probe[0])
    assert planned.run(SerialExecutor(), Resources(), Console()).n_computed == 1
    assert pq.read_table(here / "table.parquet").equals(whole)


def test_predictions_are_kept_on_request(small: SmallStore, tmp_path: Path) -> None:
    """Their gold labels and largest logits give the accuracy that the table says, for both codes."""
    assert analyse(tmp_path, 'codes = ["online", "variational"]\npredictions = true\n') == 0
    here = place(tmp_path)
    assert len(list((here / "predictions").iterdir())) == 2
    for row in pq.read_table(here / "probes.parquet").to_pylist():
        told = pq.read_table(here / f"predictions/{row['code']}-pos-base-mix-s0.parquet").to_pylist()
        test = [one for one in told if one["split"] == "test"]
        assert (len(told), len(test)) == (2 * row["n_targets"], row["n_targets"])
        labels = sorted({label for one in test for label in one["gold"]})
        right = [one["gold"] == [labels[np.argmax(one["logits"])]] for one in test]
        assert np.mean(right) == pytest.approx(row["accuracy"])


@pytest.mark.parametrize(
    ("more", "labels", "said"),
    [
        ("layers = [0, 7]\n", "upos", "layers [7] of base are not stored; there are [0, 1, 2]"),
        ("", "srl", "has no label set 'srl'; it has upos, xpos, deprel"),
        ("", "xpos", "label set 'xpos' of corpus small has no target"),
        ('units = "nats"\n', "upos", "units"),
    ],
)
def test_requests_that_are_wrong(
    small: SmallStore, tmp_path: Path, capsys: pytest.CaptureFixture[str], more: str, labels: str, said: str
) -> None:
    assert analyse(tmp_path, more, labels=labels) == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "store/results").exists()
