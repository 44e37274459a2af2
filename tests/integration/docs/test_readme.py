"""The README's commands and its Python work as they stand, on a store like the quickstart's."""

import re
import shlex
from pathlib import Path

import pytest

from jobs.cli import VERBS, main
from tests.support.small_store import prepare

README = (Path(__file__).parents[3] / "README.md").read_text()
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
    code = (
        README.split("```python")[1].split("```")[0].replace("word_text = 'exception'", "word_text = 'cat'")
    )
    names: dict[str, object] = {}
    exec(compile(code, "README.md", "exec"), names)
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


def test_the_make_targets_are_there() -> None:
    makefile = (Path(__file__).parents[3] / "Makefile").read_text()
    for target in re.findall(r"^    make (\w+)", README, re.MULTILINE):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE)


def test_every_link_leads_somewhere() -> None:
    root = Path(__file__).parents[3]
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        assert (root / target).exists(), target
