"""The README's commands and its Python work as they stand, on a store like the quickstart's."""

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from jobs.cli import VERBS, main
from tests.support.pages import ROOT, Block, blocks, walk
from tests.support.small_store import prepare

README = (ROOT / "README.md").read_text()
COMMANDS = [
    shlex.split(line)
    for line in re.findall(r"^\| `(actstore (?:query|sql|ls|verify) [^`]+)`", README, re.MULTILINE)
]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    store = prepare(
        tmp_path / "runs" / "quickstart", checkpoints=("base", "sre"), n_layers=6, dtype="float16",
        corpus="python-docs",
    )  # fmt: skip
    store.extract()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_readmes_python_runs(here: Path) -> None:
    names: dict[str, object] = {}

    def run(block: Block) -> None:
        assert block.language == "python"
        exec(compile(block.text.replace("'exception'", "'cat'"), "README.md", "exec"), names)

    walk("README.md", run)
    assert names["block"].values.shape[1] == 8
    assert names["table"].num_rows > 0
    assert names["table"].column_names[-1] == "activation"


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_the_readmes_commands_run(here: Path, command: list[str]) -> None:
    words = [word for word in command if not word.startswith("[") and not word.endswith("]")]
    given = {"STORE": "runs/quickstart", "wiki": "python-docs"}
    assert main([given.get(word, word) for word in words[1:]]) == 0


def test_there_are_commands_to_test() -> None:
    assert {command[1] for command in COMMANDS} == {"query", "sql", "ls", "verify"}


def test_every_verb_is_told() -> None:
    told = README.split("## Commands")[1].split("Exit codes")[0]
    names = set(re.findall(r"`(?:actstore )?([a-z]+) [A-Z]", told))
    assert names == set(VERBS)


def test_the_two_commands_end_in_the_study_and_the_tests(tmp_path: Path) -> None:
    """`make` says what it would do in a new clone; `make test` is what runs this."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    for name in ("Makefile", "pyproject.toml", *re.findall(r"studies/[^\0]+", listed.stdout)):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    shown = [words for block in blocks("README.md") if block.is_shown for words in block.commands]
    ends = {
        "quickstart": ".venv/bin/actstore run studies/quickstart.toml",
        "test": '.venv/bin/python -m pytest -m "ray and not nodes"',
    }
    assert [words[1] for words in shown] == list(ends)
    for program, target in shown:
        command = [program, "--dry-run", target, f"PYTHON={sys.executable}"]
        told = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True).stdout
        for step in ("-m venv .venv", "pip install --quiet --editable .", ends[target]):
            assert step in told
