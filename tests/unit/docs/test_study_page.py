"""docs/study.md names every key of the blocks that can run, and its example is a study."""

import re
from pathlib import Path

import pytest

from jobs.study.ablation import Ablation
from jobs.study.checkpoint import Checkpoint
from jobs.study.corpus import Corpus
from jobs.study.drift import Drift
from jobs.study.edge_probe import EdgeProbe
from jobs.study.extension import Extension
from jobs.study.extract import Extract
from jobs.study.finetune import Finetune
from jobs.study.load import load_study
from jobs.study.mdl_probe import MdlProbe
from jobs.study.similarity import Similarity
from jobs.study.structural_probe import StructuralProbe
from jobs.study.word_probe import WordProbe
from tests.support.pages import ROOT, Block, walk

PAGE = (ROOT / "docs" / "study.md").read_text()


@pytest.mark.parametrize(
    ("heading", "block"),
    [
        ("[[checkpoint]]", Checkpoint),
        ("[[corpus]]", Corpus),
        ("[extract]", Extract),
        ("[[finetune]]", Finetune),
        ("[[similarity]]", Similarity),
        ("[[drift]]", Drift),
        ("[[edge_probe]]", EdgeProbe),
        ("[[word_probe]]", WordProbe),
        ("[[structural_probe]]", StructuralProbe),
        ("[[mdl_probe]]", MdlProbe),
        ("[[ablation]]", Ablation),
        ("[[analysis]]", Extension),
    ],
)
def test_every_key_is_on_the_page_and_no_other(heading: str, block: type) -> None:
    section = PAGE.split(f"## `{heading}`")[1].split("\n## ")[0]
    rows = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
    keys = {key for row in rows for key in re.findall(r"`(\w+)`", row)}
    assert keys == set(block.model_fields)


def test_the_example_is_a_study(tmp_path: Path) -> None:
    def run(block: Block) -> None:
        (tmp_path / "study.toml").write_text(block.text)
        study = load_study(tmp_path / "study.toml")
        assert [checkpoint.name for checkpoint in study.checkpoints] == ["base", "sre"]

    walk("docs/study.md", run)
