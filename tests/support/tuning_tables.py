"""Corpora as tables for training: examples through a tokenizer, with their labels."""

from pathlib import Path
from typing import Any

import pyarrow as pa

from actstore.capture.tokenize import tokenize
from actstore.capture.tokenizer import load_tokenizer
from actstore.schema.text import EXAMPLE_LABELS, EXAMPLES, SPAN_LABELS, WORD_LABELS, WORDS, Example, Word
from actstore.schema.tokens import TokenSettings
from actstore.store.labels import target_rows
from analyses.tuning.tasks.tables import CorpusTables
from tests.support.tokenised import words_of


def tables_of(examples: list[Example], model: Path, **limits: Any) -> CorpusTables:
    """All tables that a task may read, as the store would give them."""
    settings = TokenSettings(**{"max_length": 64, **limits})
    chunks = list(tokenize(examples, load_tokenizer(model), settings, 4096))
    numbered = list(enumerate(examples))
    words = [(at, n, word) for at, example in numbered for n, word in enumerate(example.words)]
    columns = ("segment", "char_start", "char_end", "text")
    labels = ("upos", "xpos", "head", "deprel")
    spans = [row for at, example in numbered for row in target_rows(at, example.targets.get("answers", ()))]
    return CorpusTables(
        tokens=pa.concat_tables(chunk.tokens for chunk in chunks),
        word_tokens=pa.concat_tables(chunk.word_tokens for chunk in chunks),
        examples=pa.Table.from_pylist(
            [
                {"example": at, "source_id": e.source_id, "text": e.text, "text_b": e.text_b}
                for at, e in numbered
            ],
            EXAMPLES,
        ),
        words=_words(words, columns, WORDS),
        word_labels=_words(words, labels, WORD_LABELS),
        example_labels=pa.Table.from_pylist(
            [{"example": at, "label": example.label} for at, example in numbered], EXAMPLE_LABELS
        ),
        answers=pa.Table.from_pylist(spans, SPAN_LABELS),
    )


def pair(text: str, text_b: str, label: str | None) -> Example:
    """A pair of texts with a label."""
    words = words_of(text) + words_of(text_b, 1)
    return Example(source_id="p", text=text, text_b=text_b, words=words, label=label)


def sentence(*rows: tuple[str, int, str]) -> Example:
    """A parsed sentence: (form, HEAD from 1 or 0 for the root, relation) a word."""
    text, words = "", []
    for at, (form, head, deprel) in enumerate(rows):
        start = len(text) + bool(text)
        text = f"{text} {form}".strip()
        words.append(
            Word(segment=0, char_start=start, char_end=start + len(form), text=form,
                 head=at if head == 0 else head - 1, deprel=deprel)
        )  # fmt: skip
    return Example(source_id="s", text=text, words=tuple(words))


def _words(words: list[tuple[int, int, Word]], columns: tuple[str, ...], schema: pa.Schema) -> pa.Table:
    rows = [
        {"example": example, "word": n, **{name: getattr(word, name) for name in columns}}
        for example, n, word in words
    ]
    return pa.Table.from_pylist(rows, schema)
