"""ReadOptions: which corpus to read, and how; the names that are allowed there."""

from dataclasses import dataclass

FORMATS = ("text", "pairs", "conllu", "mnli", "snli", "squad")
"""Formats this version reads."""
LATER_FORMATS = (
    "edges", "semeval8", "spr2", "propbank", "gum", "iob2", "parquet", "jsonl", "datasets",
)  # fmt: skip
"""Formats of the contract that are still to come."""
TEXT_FROM = ("words", "raw")
DETOKENIZE = ("wikitext", "ptb")
SPLIT_INTO = ("sentences",)
WHERE_ALLOWED = {
    "text_from": ("conllu", "edges"),
    "detokenize": ("text", "pairs", "mnli", "snli"),
    "split_into": ("text",),
}
"""Options that mean something for some formats only: words of a treebank stay words, places in a paragraph of
SQuAD stay places, and a pair is no list of sentences."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadOptions:
    """What decides a text, beside the bytes of its file."""

    format: str
    path: str
    limit: int | None = None
    """Only the first so many examples."""
    text_from: str | None = None
    """'words': words joined by spaces (the default of conllu); 'raw': the source's own line of text."""
    detokenize: str | None = None
    split_into: str | None = None
    split: str | None = None
    """Which part of a data set that has several."""


def misplaced(options: ReadOptions) -> str | None:
    """What is wrong with an option that the format has no use for, None where all fit."""
    for key, formats in WHERE_ALLOWED.items():
        value = getattr(options, key)
        if value is not None and options.format not in formats:
            listed = " or ".join(f'"{name}"' for name in formats)
            return f'{key} = "{value}": only for format = {listed}, not "{options.format}"; leave it out'
    return None
