"""Texts: examples and words as tables, and the annotations that came with them. No tokenizer is involved."""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

import pyarrow as pa

from actstore.schema import ID_LENGTH, canonical_json
from actstore.schema.text import (
    EXAMPLE_LABEL_SET,
    EXAMPLE_LABELS,
    EXAMPLES,
    TEXT_VERSION,
    WORD_LABEL_SET,
    WORD_LABELS,
    WORDS,
    Example,
)
from actstore.store import paths
from actstore.store.objects import Objects
from actstore.store.parquet import file_records, staged_table
from actstore.store.records import create_record, find_record

EXAMPLES_PER_GROUP = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class TextDigest:
    """A text's identity and counts, by one pass over its examples."""

    text_id: str
    word_labels: str | None
    example_labels: str | None
    n_examples: int
    n_words: int


def digest_text(examples: Iterable[Example]) -> TextDigest:
    """Identity of a text (its examples and words) and, apart from it, of the annotations beside it."""
    text, words, classes = (_begin(part) for part in "twc")
    has_words = has_classes = False
    n_examples = n_words = 0
    for example in examples:
        text.update(canonical_json(_text_of(example)).encode())
        labels = [[word.upos, word.xpos, word.head, word.deprel] for word in example.words]
        has_words |= any(value is not None for label in labels for value in label)
        has_classes |= example.label is not None
        words.update(canonical_json(labels).encode())
        classes.update(canonical_json(example.label).encode())
        n_examples += 1
        n_words += len(example.words)
    text_id = text.hexdigest()[:ID_LENGTH]
    return TextDigest(
        text_id=text_id,
        word_labels=_label_hash(text_id, words.hexdigest()) if has_words else None,
        example_labels=_label_hash(text_id, classes.hexdigest()) if has_classes else None,
        n_examples=n_examples,
        n_words=n_words,
    )


def word_labels_hash(text_id: str, table: pa.Table, n_examples: int) -> str:
    """The hash of a label set `words` from its stored rows."""
    by_example: list[list[list[Any]]] = [[] for _ in range(n_examples)]
    for row in table.to_pylist():
        by_example[row["example"]].append([row["upos"], row["xpos"], row["head"], row["deprel"]])
    digest = _begin("w")
    for labels in by_example:
        digest.update(canonical_json(labels).encode())
    return _label_hash(text_id, digest.hexdigest())


def example_labels_hash(text_id: str, table: pa.Table, n_examples: int) -> str:
    """The hash of a label set `examples` from its stored rows."""
    digest = _begin("c")
    for label in table.column("label").to_pylist():
        digest.update(canonical_json(label).encode())
    return _label_hash(text_id, digest.hexdigest()) if table.num_rows == n_examples else ""


def store_text(objects: Objects, digest: TextDigest, read: Callable[[], Iterable[Example]]) -> None:
    """Store a text and its annotations where they are missing; `read` gives its examples from the start."""
    text_id = digest.text_id
    if digest.word_labels is not None:
        key = paths.label_set(text_id, WORD_LABEL_SET, digest.word_labels)
        _store(objects, key, WORD_LABELS, read, _word_label_rows)
    if digest.example_labels is not None:
        key = paths.label_set(text_id, EXAMPLE_LABEL_SET, digest.example_labels)
        _store(objects, key, EXAMPLE_LABELS, read, _example_label_rows)
    meta = paths.text(text_id, "meta.json")
    if find_record(objects, meta) is None:
        keys = [paths.text(text_id, f"{name}.parquet") for name in ("examples", "words")]
        _store(objects, keys[0], EXAMPLES, read, _example_rows)
        _store(objects, keys[1], WORDS, read, _word_rows)
        record = {
            "text_id": text_id,
            "text_version": TEXT_VERSION,
            "n_examples": digest.n_examples,
            "n_words": digest.n_words,
            "files": file_records(objects, keys),
        }
        create_record(objects, meta, record)


def has_text(objects: Objects, text_id: str) -> bool:
    """Whether a text is stored whole."""
    return objects.size(paths.text(text_id, "meta.json")) is not None


Rows = Callable[[int, Example], Iterator[dict[str, Any]]]


def _store(
    objects: Objects, key: str, schema: pa.Schema, read: Callable[[], Iterable[Example]], rows: Rows
) -> None:
    if objects.size(key) is not None:
        return
    with staged_table(objects, key, schema) as writer:
        numbered = enumerate(read())
        while group := list(islice(numbered, EXAMPLES_PER_GROUP)):
            found = [row for number, example in group for row in rows(number, example)]
            writer.write_table(pa.Table.from_pylist(found, schema=schema))


def _text_of(example: Example) -> list[Any]:
    words = [[word.segment, word.char_start, word.char_end, word.text] for word in example.words]
    return [example.source_id, example.text, example.text_b, words]


def _begin(part: str) -> "hashlib._Hash":
    return hashlib.sha256(f"{part} {TEXT_VERSION}".encode())


def _label_hash(text_id: str, digest: str) -> str:
    return hashlib.sha256((text_id + digest).encode()).hexdigest()[:ID_LENGTH]


def _example_rows(number: int, example: Example) -> Iterator[dict[str, Any]]:
    yield {
        "example": number,
        "source_id": example.source_id,
        "text": example.text,
        "text_b": example.text_b,
    }


def _example_label_rows(number: int, example: Example) -> Iterator[dict[str, Any]]:
    yield {"example": number, "label": example.label}


def _word_rows(number: int, example: Example) -> Iterator[dict[str, Any]]:
    for index, word in enumerate(example.words):
        yield {
            "example": number,
            "word": index,
            "segment": word.segment,
            "char_start": word.char_start,
            "char_end": word.char_end,
            "text": word.text,
        }


def _word_label_rows(number: int, example: Example) -> Iterator[dict[str, Any]]:
    for index, word in enumerate(example.words):
        yield {
            "example": number,
            "word": index,
            "upos": word.upos,
            "xpos": word.xpos,
            "head": word.head,
            "deprel": word.deprel,
        }
