"""The pages that begin with a user's own model work as they stand, in the order of each page."""

import os
import shutil
import signal
import subprocess
import sys
import tomllib
from pathlib import Path

import httpx
import pytest

import actstore
from jobs.cli import main
from jobs.study.load import load_study
from tests.support.commands import ALONE, environment
from tests.support.pages import DOCS, PAGES, ROOT, Block, blocks, links, walk
from tests.support.tiny_models import make_tiny_model, tiny_model

STORED = ["docs/howto/query.md", "docs/howto/cost.md"]
"""Pages that begin where the tutorial's third step ends."""
WITH_WORKERS = ("run", "extract", "analyse", "finetune")


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what the tutorial asks for: two checkpoints of seven sites."""
    folder = tmp_path_factory.mktemp("pages")
    base, tuned = folder / "models" / "all-MiniLM-L6-v2", folder / "models" / "sre-MiniLM-L6"
    make_tiny_model(base, "bert", num_hidden_layers=6)
    shutil.copytree(base, tuned)  # one tokenizer
    tiny_model("bert", seed=1, num_hidden_layers=6).save_pretrained(tuned)
    return folder


@pytest.fixture(scope="module")
def stored(ground: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with the tutorial's study, run."""
    folder = tmp_path_factory.mktemp("stored")
    shutil.copytree(ground, folder, dirs_exist_ok=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for block in blocks("docs/tutorial.md")[:4]:
            run_block(block, {})
    return folder


def run_block(block: Block, names: dict[str, object]) -> None:
    """Do what a block says, in the working folder."""
    if block.language == "text" and block.title:
        Path(block.title).write_text(block.text)
    elif block.language == "toml" and block.title.endswith(", at its end"):
        with Path(block.title.partition(",")[0]).open("a") as study:
            study.write("\n" + block.text)
    elif block.language == "python":
        exec(compile(block.text, f"line {block.line}", "exec"), names)
    else:
        assert block.language == "sh", block
        for words in block.commands:
            assert words[0] == "actstore", words
            run_command(words[1:])


def run_command(words: list[str]) -> None:
    """One command of ours: as it stands, but without Ray, and a service only until it answers."""
    if words[0] == "serve":
        serve(words)
        return
    more = ALONE if words[0] in WITH_WORKERS else ()
    assert main([*words, *more]) == 0, words


def serve(words: list[str]) -> None:
    command = [sys.executable, "-m", "jobs.cli", *words, "--port", "0", "--flight-port", "0"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment())
    assert process.stderr is not None
    try:
        said = process.stderr.readline()
        assert httpx.get(said.split(" ")[0]).status_code == 200, said
    finally:
        os.kill(process.pid, signal.SIGINT)
        process.communicate(timeout=60)
    assert process.returncode == 0


@pytest.mark.slow
def test_the_tutorial(ground: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    shutil.copytree(ground, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    walk("docs/tutorial.md", lambda block: run_block(block, names))
    assert names["words"].num_rows > 0  # type: ignore[attr-defined]
    store = actstore.open("runs/my")
    assert store.checkpoints["name"].to_pylist() == ["base", "random", "tuned"]


@pytest.mark.slow
@pytest.mark.parametrize("page", STORED)
def test_pages_over_a_store(page: str, stored: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(stored)
    names: dict[str, object] = {}
    walk(page, lambda block: run_block(block, names))


@pytest.mark.parametrize("page", PAGES)
def test_every_toml_is_toml(page: str) -> None:
    for block in blocks(page):
        if block.language == "toml":
            tomllib.loads(block.text)


@pytest.mark.parametrize("page", PAGES)
def test_every_link_leads_somewhere(page: str) -> None:
    for target in links(page):
        assert (ROOT / page).parent.joinpath(target).exists(), target


def test_studies_that_come_along_can_be_read() -> None:
    variables = {"ACTSTORE_MODELS": "/models", "ACTSTORE_DATA": "/data", "ACTSTORE_TEXTS": "/texts"}
    studies = sorted((DOCS.parent / "studies").glob("*.toml"))
    assert studies
    for study in studies:
        load_study(study, env={**os.environ, **variables})
