"""A folder in which the pages' studies run: tiny models and short texts under the names that pages use."""

import gzip
import shutil
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.studies import MAX_LENGTH, tree, write_text
from tests.support.tasks import write_nli
from tests.support.tiny_models import make_tiny_model, tiny_model

N_TREES = 12


def make_ground(folder: Path) -> Path:
    """Models of six layers and one tokenizer, a smaller one with its own; text, pairs of sentences, trees."""
    models, studies = folder / "models", folder / "studies"
    base = make_tiny_model(models / "all-MiniLM-L6-v2", "bert", num_hidden_layers=6)
    for seed, name in enumerate(("tuned", "sre", "mnli-s0"), start=1):
        shutil.copytree(base, models / name)
        tiny_model("bert", seed=seed, num_hidden_layers=6).save_pretrained(models / name)
    make_tiny_model(models / "tiny", "roberta", num_hidden_layers=3)
    studies.mkdir()
    for name in ("wiki", "texts", "texts-dev"):
        write_text(studies / f"{name}.txt", 30)
    trees = "\n".join(map(tree, range(N_TREES)))
    for place in (studies, folder / "ud_ewt"):
        place.mkdir(exist_ok=True)
        for part in ("dev", "test"):
            (place / f"en_ewt-ud-{part}.conllu").write_text(trees)
        with gzip.open(place / "en_ewt-ud-train.conllu.gz", "wt") as train:
            train.write(trees)
    for part in ("train", "test"):
        write_nli(studies / f"snli-{part}.jsonl", 12)
    return folder


CHECKPOINTS = {
    "base": 'model = "../models/all-MiniLM-L6-v2"',
    "tuned": 'model = "../models/tuned"\nbase = "base"',
    "sre": 'model = "../models/sre"\nbase = "base"',
    "mnli-s0": 'model = "../models/mnli-s0"\nbase = "base"',
    "tiny": 'model = "../models/tiny"',
    "random": 'model = "../models/all-MiniLM-L6-v2"\ninit = "random"\nbase = "base"',
}
CORPORA = {
    "wiki": ("wiki.txt", "text"),
    "texts": ("texts.txt", "text"),
    "texts-dev": ("texts-dev.txt", "text"),
    "small": ("en_ewt-ud-dev.conllu", "conllu"),
    "ewt-train": ("en_ewt-ud-train.conllu.gz", "conllu"),
    "ewt-dev": ("en_ewt-ud-dev.conllu", "conllu"),
    "ewt-test": ("en_ewt-ud-test.conllu", "conllu"),
    "snli-train": ("snli-train.jsonl", "snli"),
    "snli-test": ("snli-test.jsonl", "snli"),
}


@dataclass(frozen=True)
class Around:
    """What a page leaves to its reader, other checkpoints and corpora; and what is cut down here."""

    checkpoints: tuple[str, ...] = ()
    corpora: tuple[str, ...] = ()
    less: dict[str, str] = field(default_factory=dict)
    """Numbers of the page that would take minutes, and those that are run."""

    def study(self, block: str) -> str:
        """A study that holds the page's block; the block may be a study itself."""
        for old, new in self.less.items():
            block = block.replace(old, new)
        tables = [f'[[checkpoint]]\nname = "{name}"\n{CHECKPOINTS[name]}' for name in self.checkpoints]
        for name in self.corpora:
            path, format = CORPORA[name]
            tables.append(
                f'[[corpus]]\nname = "{name}"\npath = "{path}"\nformat = "{format}"\n'
                f"max_length = {MAX_LENGTH}"
            )
        around = "\n\n".join(tables)
        if block.startswith("store ="):
            return f"{block}\n{around}\n"
        return f'store = "../runs/my"\n\n{around}\n\n{block}'
