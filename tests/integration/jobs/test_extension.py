"""[[analysis]] through the command line: the how-to's package here, RTD as pip installs it, on Ray."""

import json
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import actstore
from jobs.study.load import load_study
from jobs.study.needed import needed_runs
from tests.support.commands import ALONE, Here
from tests.support.pages import Block, walk
from tests.support.plugins import install, register
from tests.support.small_store import SmallStore, prepare

STUDY = """
store = "runs/my"
[[checkpoint]]
name = "base"
model = "./none"
[[checkpoint]]
name = "tuned"
model = "./none"
base = "base"
[[corpus]]
name = "notes"
path = "none.txt"
format = "text"
max_length = 16
[extract]
dtype = "float32"
tokens_per_batch = 64
"""
RTD = """
[[analysis]]
kind = "cloud-shape"
name = "shape"
pairs = "base"
corpora = ["notes"]
tokens = 40
options = { batches = 2, rows = 20 }
"""


@pytest.fixture
def stored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SmallStore:
    """A store of two checkpoints of three sites over a corpus, in the working folder; and its study."""
    made = prepare(tmp_path / "runs" / "my", corpus="notes", checkpoints=("base", "tuned"))
    made.extract()
    (tmp_path / "study.toml").write_text(STUDY)
    monkeypatch.chdir(tmp_path)
    return made


@pytest.fixture
def here(capsys: pytest.CaptureFixture[str]) -> Here:
    return Here(capsys)


def page(title: str) -> Block:
    """A block of the page by its title, else its language; the tests here use every one."""
    found: dict[str, Block] = {}
    walk("docs/howto/analysis.md", lambda block: found.update({block.title or block.language: block}))
    assert set(found) == {"actstore_spread.py", "pyproject.toml", "study.toml, at its end", "sh", "sql"}
    return found[title]


def test_the_how_to(stored: SmallStore, here: Here, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "actstore_spread.py").write_text(page("actstore_spread.py").text)
    project = tomllib.loads(page("pyproject.toml").text)["project"]
    (point,) = project["entry-points"]["actstore.analyses"].items()
    register(tmp_path, project["name"], {"actstore.analyses": " = ".join(point) + "\n"}, monkeypatch)
    with Path("study.toml").open("a") as study:
        study.write(page("study.toml, at its end").text)
    analyse, ls = (words[1:] for words in page("sh").commands)
    answer = here(*analyse, *ALONE)
    assert answer.code == 0, answer.err
    assert "directions (" in answer.out
    assert "figure: " in answer.out
    listed = here(*ls).out
    assert "analysis (spread)" in listed
    assert "How many directions a layer's" in listed
    rows = actstore.open("runs/my").sql(page("sql").text).to_pylist()
    assert [(row["checkpoint_a"], row["layer"]) for row in rows] == [
        (name, layer) for name in ("base", "tuned") for layer in range(3)
    ]
    assert all(1 <= row["value"] <= 8 for row in rows)
    again = here(*analyse, *ALONE, "--json").document["results"][0]
    assert (again["kind"], again["n_computed"], len(again["rows"])) == ("analysis", 0, 12)
    assert here("report", "study.toml").code == 0
    provenance = next(Path("runs/my/results/analysis/directions").glob("*/provenance.json"))
    told = json.loads(provenance.read_text())
    assert told["extension"] == {"kind": "spread", "version": 1, "package": "actstore-spread 0.1.0"}
    assert told["block"]["options"] == {"share": 0.5}
    assert set(told["runs"]) == {"base over notes", "tuned over notes"}


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        (
            {'"spread"': '"spreed"'},
            "kind = 'spreed' is brought by no installed package; installed are spread",
        ),
        ({"share": "shar"}, "have no key 'shar'; allowed are share"),
        (
            {'checkpoints = ["base", "tuned"]': 'pairs = "base"'},
            "is of checkpoints: give the key checkpoints",
        ),
        ({'"tuned"]': '"tuna"]'}, 'checkpoints names the checkpoint "tuna"'),
    ],
)
def test_what_is_wrong_is_told_before_any_work(
    changed: dict[str, str], told: str, tmp_path: Path, here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "actstore_spread.py").write_text(page("actstore_spread.py").text)
    register(tmp_path, "mine", {"actstore.analyses": "spread = actstore_spread:KIND\n"}, monkeypatch)
    text = STUDY + page("study.toml, at its end").text
    for old, new in changed.items():
        assert old in text
        text = text.replace(old, new)
    file = tmp_path / "study.toml"
    file.write_text(text)
    answer = here("run", file, *ALONE)
    assert (answer.code, answer.out) == (2, "")
    assert told in answer.err
    assert not (tmp_path / "runs").exists()


def test_a_plan_says_which_runs_it_needs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "actstore_spread.py").write_text(page("actstore_spread.py").text)
    register(tmp_path, "mine", {"actstore.analyses": "spread = actstore_spread:KIND\n"}, monkeypatch)
    (tmp_path / "study.toml").write_text(STUDY + page("study.toml, at its end").text)
    needed = needed_runs(load_study(tmp_path / "study.toml"))
    assert [(run.checkpoint, run.analyses) for run in needed] == [
        ("base", ("analysis/directions",)), ("tuned", ("analysis/directions",)),
    ]  # fmt: skip


@pytest.mark.ray
def test_an_installed_package_on_ray(stored: SmallStore, tmp_path: Path) -> None:
    variables = install("rtd", tmp_path / "plugin")
    with Path("study.toml").open("a") as study:
        study.write(RTD)
    words = [sys.executable, "-m", "jobs.cli", "analyse", "study.toml", "--json", "--workers", "1"]
    done = subprocess.run(words, env=variables, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    rows = json.loads(done.stdout)["results"][0]["rows"]
    assert {(row["kind"], row["checkpoint_a"], row["checkpoint_b"]) for row in rows} == {
        ("cloud-shape", "base", "tuned")
    }
    assert [row["layer"] for row in rows if row["metric"] == "rtd"] == [0, 1, 2]
    assert all(row["value"] > 0 for row in rows)
    # the result stands where the package is not: listed, asked for with SQL
    assert actstore.open("runs/my").sql("SELECT DISTINCT kind FROM analysis").num_rows == 1
