"""The pages on analyses and trainings: their studies run over tiny models and texts, their SQL answers."""

import shutil
import tomllib
from pathlib import Path

import pytest

import actstore
from jobs.cli import main
from tests.support.commands import ALONE, run
from tests.support.page_ground import Around, make_ground
from tests.support.pages import Block, walk
from tests.support.tiny_models import make_tiny_model

pytestmark = pytest.mark.slow
SEEDS = {"seeds = [0, 1, 2]": "seeds = [0]"}
EWT = ("ewt-train", "ewt-dev", "ewt-test")
PAGES = {
    "docs/howto/similarity.md": Around(
        ("base", "sre", "tiny"), ("wiki",), {"resamples = 500": "resamples = 20"}
    ),
    "docs/howto/drift.md": Around(("base", "tuned"), ("small",)),
    "docs/howto/finetune.md": Around(
        (),
        ("texts", "texts-dev"),
        {**SEEDS, "[0, 100, 400]": "[0, 1]", "= 256\n": "= 64\n", "base = ": "max_steps = 2\nbase = "},
    ),
    "docs/howto/ablation.md": Around(("base",), ("snli-train", "snli-test")),
    "docs/howto/probe.md": Around(
        ("base", "tuned", "random"), EWT, {**SEEDS, "max_steps = 3000": "max_steps = 4"}
    ),
    "docs/howto/mdl.md": Around(
        ("base", "random"),
        EWT,
        {"codes =": "max_steps = 4\nvalidate_every = 2\nepochs = 1\nhidden = 8\ncodes ="},
    ),
    "docs/howto/structural.md": Around(("base", "mnli-s0", "random"), EWT[1:], SEEDS),
}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_ground(tmp_path_factory.mktemp("ground"))


@pytest.mark.parametrize("page", PAGES)
def test_the_page(page: str, made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path / "studies")
    monkeypatch.setenv("ACTSTORE_DATA", str(tmp_path))
    names: dict[str, object] = {}
    study = ""

    def run_block(block: Block) -> None:
        nonlocal study
        if block.language == "toml":
            study = f"{study}\n{block.text}" if study else block.text
            Path("study.toml").write_text(PAGES[page].study(study))
            assert main(["run", "study.toml", *ALONE]) == 0
        elif block.language == "sh":
            for program, *words in block.commands:
                assert (program, main([*words, *(ALONE if words[0] == "run" else ())])) == ("actstore", 0)
        else:
            names["store"] = store = actstore.open("../runs/my")
            if block.language == "sql":
                assert store.sql(block.text).num_rows > 0
            else:
                assert block.language == "python"
                exec(compile(block.text, page, "exec"), names)

    walk(page, run_block)


def test_a_series_of_checkpoints(made: Path, tmp_path: Path) -> None:
    """Revisions of one hub id, each a folder in the hub's cache; `extract` runs every one."""
    repository = tmp_path / "home" / "hub" / "models--EleutherAI--pythia-14m"
    (repository / "refs").mkdir(parents=True)
    studies = tmp_path / "studies"
    studies.mkdir()
    shutil.copy(made / "studies" / "wiki.txt", studies)
    variables = {"HF_HOME": str(tmp_path / "home"), "HF_HUB_OFFLINE": "1"}

    def extract_all(block: Block) -> None:
        assert block.language == "toml"
        steps = tomllib.loads(block.text)["checkpoint"][0]["step"]
        for seed, step in enumerate(steps):
            commit = f"{seed:040x}"
            make_tiny_model(repository / "snapshots" / commit, "gpt_neox", seed=seed)
            (repository / "refs" / f"step{step}").write_text(commit)
        (studies / "study.toml").write_text(Around((), ("wiki",)).study(block.text))
        answer = run("extract", studies / "study.toml", *ALONE, env=variables)
        assert answer.code == 0, answer.err
        runs = actstore.open(tmp_path / "runs" / "my").runs
        assert sorted(runs["checkpoint"].to_pylist()) == sorted(f"pythia-{step}" for step in steps)
        assert all(runs["complete"].to_pylist())

    walk("docs/howto/grow.md", extract_all)
