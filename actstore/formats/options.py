"""ReadOptions: which corpus to read, and how; the names that are allowed there."""

from dataclasses import dataclass

FORMATS = ("text", "pairs", "conllu", "mnli", "snli", "squad", "edges", "semeval8", "gum", "iob2", "datasets")
"""Formats this version reads."""
LATER_FORMATS = ("parquet", "jsonl")
"""Formats of the contract that are still to come."""
WORDLESS_FORMATS = ("spr2", "propbank")
"""Annotations of a treebank without its words: formats of label files, no corpora."""
TEXT_FROM = ("words", "raw")
DETOKENIZE = ("wikitext", "ptb")
SPLIT_INTO = ("sentences",)
WHERE_ALLOWED = {
    "text_from": ("conllu", "gum", "edges"),
    "split": ("gum", "semeval8", "datasets"),
    "detokenize": ("text", "pairs", "mnli", "snli", "datasets"),
    "split_into": ("text", "datasets"),
}
"""Options that mean something for some formats only: words of a treebank stay words, places in a paragraph of
SQuAD stay places, and a pair is no list of sentences."""
SPLITS = {"semeval8": ("train", "dev"), "gum": ("train", "dev", "test", "test2")}
"""Splits by format: of a training file by a seeded draw, of a corpus by its own list."""


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
    trees: bool = False
    """Whether a sentence whose heads are no tree is refused; no part of a text's identity."""


def misplaced(options: ReadOptions) -> str | None:
    """What is wrong with an option that the format has no use for, None where all fit."""
    if options.format in WORDLESS_FORMATS:
        return (
            f'format = "{options.format}" has no words: name the treebank it annotates as corpus and this '
            f'file under its labels: labels = {{ srl = {{ path = "...", format = "{options.format}" }} }}'
        )
    for key, formats in WHERE_ALLOWED.items():
        value = getattr(options, key)
        if value is not None and options.format not in formats:
            listed = " or ".join(f'"{name}"' for name in formats)
            return f'{key} = "{value}": only for format = {listed}, not "{options.format}"; leave it out'
    splits = SPLITS.get(options.format, ())
    if options.split is not None and splits and options.split not in splits:
        return f'split = "{options.split}": allowed are {", ".join(splits)}'
    return None
