"""LabelOptions: which file a label set comes from, and how it is told. Names only, nothing is read."""

from dataclasses import dataclass

from actstore.schema.text import TREEBANK_SETS

LABEL_FORMATS = {
    "edges": (),
    "conllu": TREEBANK_SETS,
    "iob2": ("entities",),
    "gum": ("entities", "coreference"),
    "propbank": ("srl", "constituents"),
    "spr2": ("spr",),
}
"""Formats of label files, each with the sets it has; a file of `edges` is one set."""
SUFFIXES = {".jsonl": "edges", ".conllu": "conllu", ".iob2": "iob2", ".bio": "iob2", ".gold_skel": "propbank"}
"""What tells a format where none is named; .gz after it is no matter."""
OWN_SETS = {
    "edges": ("edges",),
    "squad": ("answers",),
    "datasets": ("answers",),
    "semeval8": ("relations",),
    "iob2": ("entities",),
    "gum": ("entities", "coreference"),
}
"""Sets of spans that come with a corpus of a format."""
TREEBANKS = ("conllu", "gum")


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelOptions:
    """What decides a label set, beside the bytes of its file and the text it is of."""

    name: str
    path: str
    format: str
    set: str = ""
    """Which of the sets that the format has; empty for `edges`."""
    limited: bool = False
    """Whether the corpus is only the first of its source's examples: a file may then say more."""


def own_sets(format: str) -> tuple[str, ...]:
    """The label sets that a corpus of a format has without any label file."""
    return (*(TREEBANK_SETS if format in TREEBANKS else ()), *OWN_SETS.get(format, ()))


def format_of(path: str) -> str | None:
    """The format that a file's name tells, None where it tells none."""
    name = path.lower().removesuffix(".gz")
    return next((format for suffix, format in SUFFIXES.items() if name.endswith(suffix)), None)


def set_of(name: str, format: str) -> str | None:
    """The set that a label set's name chooses: itself, or the only one; None where the user has to say."""
    sets = LABEL_FORMATS[format]
    if not sets or name in sets:
        return name if sets else ""
    return sets[0] if len(sets) == 1 else None
