"""A small study on disk: tiny models, short corpora, a study file; and its store as a table of hashes."""

import hashlib
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from tests.support.small_store import UPOS, WORDS, every_file
from tests.support.tiny_models import make_tiny_model

MAX_LENGTH = 64
SIMILARITY = """
[[similarity]]
name = "alike"
measures = ["rsa"]
corpora = ["text"]
tokens = 40
"""


@dataclass(frozen=True, kw_only=True)
class SmallStudy:
    """What a study file says, to be changed by a test and written again."""

    folder: Path
    checkpoints: dict[str, dict[str, object]]
    corpora: dict[str, dict[str, object]]
    extract: dict[str, object] = field(default_factory=dict)
    more: str = ""
    """Further text at the end of the file."""

    @property
    def file(self) -> Path:
        return self.folder / "study.toml"

    @property
    def store(self) -> Path:
        return self.folder / "store"

    def corpus(self, name: str, **changed: object) -> "SmallStudy":
        """The study with other keys of one corpus; None takes a key out."""
        return replace(self, corpora=self.corpora | {name: _changed(self.corpora.get(name, {}), changed)})

    def checkpoint(self, name: str, **changed: object) -> "SmallStudy":
        """The study with other keys of one checkpoint; None takes a key out."""
        known = self.checkpoints.get(name, {})
        return replace(self, checkpoints=self.checkpoints | {name: _changed(known, changed)})

    def only(self, checkpoints: Sequence[str], corpora: Sequence[str], more: str = "") -> "SmallStudy":
        """The study with some of its checkpoints and corpora, and no analysis but `more`."""
        return replace(
            self,
            checkpoints={name: self.checkpoints[name] for name in checkpoints},
            corpora={name: self.corpora[name] for name in corpora},
            more=more,
        )

    def write(self) -> Path:
        """Write the study file."""
        lines = [
            'store = "store"',
            *_blocks("checkpoint", self.checkpoints),
            *_blocks("corpus", self.corpora),
        ]
        if self.extract:
            lines += ["[extract]", *_keys(self.extract)]
        self.file.write_text("\n".join([*lines, self.more]), encoding="utf-8")
        return self.file


def make_study(folder: Path, *, n_lines: int = 12) -> SmallStudy:
    """Two BERT-like checkpoints over a text, pairs and a treebank; a similarity analysis of the text."""
    folder.mkdir(parents=True, exist_ok=True)
    make_tiny_model(folder / "models" / "base", "bert", seed=0)
    tuned = make_tiny_model(folder / "models" / "tuned", "bert", seed=1)
    for file in ("tokenizer.json", "tokenizer_config.json"):  # as after fine-tuning: the rows can be compared
        shutil.copyfile(folder / "models" / "base" / file, tuned / file)
    write_text(folder / "text.txt", n_lines)
    rows = [f"{sentence(i)}\t{sentence(i + 1)}\t{'xy'[i % 2]}" for i in range(n_lines)]
    (folder / "pairs.tsv").write_text("\n".join(["premise\thypothesis\tlabel", *rows]) + "\n")
    (folder / "trees.conllu").write_text("\n".join(tree(i) for i in range(n_lines)))
    return SmallStudy(
        folder=folder,
        checkpoints={
            "base": {"model": "models/base"},
            "tuned": {"model": "models/tuned", "base": "base"},
        },
        corpora={
            "text": {"path": "text.txt", "format": "text", "max_length": MAX_LENGTH},
            "pairs": {"path": "pairs.tsv", "format": "pairs", "max_length": MAX_LENGTH},
            "trees": {"path": "trees.conllu", "format": "conllu", "max_length": MAX_LENGTH},
        },
        extract={"dtype": "float32", "pairs": "all"},
        more=SIMILARITY,
    )


def write_text(path: Path, n_lines: int) -> Path:
    """Sentences, one a line."""
    path.write_text("".join(f"{sentence(i)}\n" for i in range(n_lines)), encoding="utf-8")
    return path


def sentence(number: int) -> str:
    """3 to 9 words, another for each number up to a few thousand."""
    return " ".join(WORDS[(number * 7 + position * (number % 5 + 1)) % len(WORDS)]
                    for position in range(3 + number % 7))  # fmt: skip


def tree(number: int) -> str:
    """The sentence as CoNLL-U, each word hanging from the one before."""
    lines = [
        f"{i + 1}\t{word}\t_\t{UPOS[WORDS.index(word)]}\t_\t_\t{i}\t{'root' if i == 0 else 'dep'}\t_\t_"
        for i, word in enumerate(sentence(number).split())
    ]
    return "\n".join([f"# sent_id = s{number}", f"# text = {sentence(number)}", *lines, ""])


def tree_hash(place: Path) -> dict[str, str]:
    """sha256 of every file below a folder, what is being made included; folders with an empty hash."""
    found = {str(path.relative_to(place)): "" for path in place.rglob("*") if path.is_dir()}
    return found | {
        str(path.relative_to(place)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in every_file(place)
    }


def _changed(known: dict[str, object], changed: dict[str, object]) -> dict[str, object]:
    return {key: value for key, value in {**known, **changed}.items() if value is not None}


def _blocks(key: str, blocks: dict[str, dict[str, object]]) -> list[str]:
    return [line for name, block in blocks.items() for line in (f"[[{key}]]", *_keys({"name": name} | block))]


def _keys(block: dict[str, object]) -> list[str]:
    return [f"{key} = {_toml(value)}" for key, value in block.items()]


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str | Path):
        return '"' + str(value) + '"'
    return str(value)
