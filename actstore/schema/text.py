"""A text: examples and words as the source has them. No tokenizer is involved."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import pyarrow as pa

TEXT_VERSION = 1
WORD_LABEL_SET, EXAMPLE_LABEL_SET = "words", "examples"
"""Label sets of columns of their own, which come with a corpus: tags and heads, a class an example."""
TREEBANK_SETS = ("upos", "xpos", "deprel")
"""Label sets that are columns of the set `words`."""
TAKEN_SETS = (WORD_LABEL_SET, EXAMPLE_LABEL_SET, *TREEBANK_SETS)
"""Names that no other label set may have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """One word of an example; offsets are characters of its segment."""

    segment: int
    """0: in `text`, 1: in `text_b`."""
    char_start: int
    char_end: int
    text: str
    upos: str | None = None
    xpos: str | None = None
    head: int | None = None
    """Index of the head word in the example, itself for the root."""
    deprel: str | None = None


Span = tuple[int, int]
"""First word and word after the last, counted within the example."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What a label set says about a span of words, or about two."""

    span1: Span
    span2: Span | None = None
    labels: tuple[str, ...] = ()
    """Several, or none, only where the task lets a target have several."""
    info: str | None = None
    """What else the source says, as JSON."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """One example: a text or a pair, with its words."""

    source_id: str
    text: str
    words: tuple[Word, ...]
    text_b: str | None = None
    label: str | None = None
    targets: Mapping[str, tuple[Target, ...]] = field(default_factory=dict)
    """By label set, where the source has annotations of spans."""


EXAMPLES = pa.schema(
    [
        pa.field("example", pa.int32(), nullable=False),
        ("source_id", pa.string()),
        ("text", pa.string()),
        ("text_b", pa.string()),
    ]
)
WORDS = pa.schema(
    [
        pa.field("example", pa.int32(), nullable=False),
        pa.field("word", pa.int32(), nullable=False),
        ("segment", pa.int8()),
        ("char_start", pa.int32()),
        ("char_end", pa.int32()),
        ("text", pa.string()),
    ]
)
WORD_LABELS = pa.schema(
    [
        pa.field("example", pa.int32(), nullable=False),
        pa.field("word", pa.int32(), nullable=False),
        ("upos", pa.string()),
        ("xpos", pa.string()),
        ("head", pa.int32()),
        ("deprel", pa.string()),
    ]
)
EXAMPLE_LABELS = pa.schema([pa.field("example", pa.int32(), nullable=False), ("label", pa.string())])
SPAN_LABELS = pa.schema(
    [
        pa.field("example", pa.int32(), nullable=False),
        pa.field("target", pa.int32(), nullable=False),
        ("span1_start", pa.int32()),
        ("span1_end", pa.int32()),
        ("span2_start", pa.int32()),
        ("span2_end", pa.int32()),
        ("label", pa.string()),
        ("info", pa.string()),
    ]
)
"""A row a label; spans are half-open ranges of words. A target without labels has one row, its label null."""
