"""ReadOptions: which corpus to read, and how; the names that are allowed there."""

from dataclasses import dataclass

FORMATS = ("text", "pairs", "conllu")
"""Formats this version reads."""
LATER_FORMATS = (
    "edges", "mnli", "snli", "squad", "semeval8", "spr2", "propbank", "gum", "iob2", "parquet", "jsonl",
    "datasets",
)  # fmt: skip
"""Formats of the contract that are still to come."""
TEXT_FROM = ("words", "raw")
DETOKENIZE = ("wikitext", "ptb")
SPLIT_INTO = ("sentences",)


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
