"""Label sets: annotations of a text, any number, added at any time; never part of the text's identity."""

import hashlib
import io

import pyarrow as pa
import pyarrow.parquet as pq

from actstore.errors import NotFoundError, RequestError
from actstore.schema import ID_LENGTH
from actstore.schema.refs import check_name
from actstore.schema.text import SPAN_LABELS
from actstore.store import paths
from actstore.store.objects import Objects
from actstore.store.parquet import read_table
from actstore.store.texts import EXAMPLE_LABEL_SET, WORD_LABEL_SET

TAKEN = (WORD_LABEL_SET, EXAMPLE_LABEL_SET)
"""Sets of other columns, which come with a corpus (store.texts)."""


def add_labels(objects: Objects, text_id: str, name: str, table: pa.Table) -> str:
    """Store a label set with the columns of schema.text.SPAN_LABELS; returns its hash.

    Raises RequestError for a name that is not possible or taken.
    """
    check_name(name, "label set")
    if name in TAKEN:
        raise RequestError(f"label set name {name!r}: {' and '.join(TAKEN)} are taken; choose another name")
    sink = io.BytesIO()
    pq.write_table(table.cast(SPAN_LABELS), sink, compression="zstd")
    data = sink.getvalue()
    hash_ = hashlib.sha256(data).hexdigest()[:ID_LENGTH]
    objects.create(paths.label_set(text_id, name, hash_), [data])
    return hash_


def list_labels(objects: Objects, text_id: str) -> list[tuple[str, str]]:
    """(name, hash) of every label set of a text, by name."""
    stems = [name.removesuffix(".parquet") for name in objects.children(paths.text(text_id, "labels"))]
    return [(name, hash_) for stem in stems for name, _, hash_ in [stem.rpartition("-")]]


def read_labels(objects: Objects, text_id: str, name: str, hash_: str) -> pa.Table:
    """One label set. Raises NotFoundError."""
    try:
        return read_table(objects, paths.label_set(text_id, name, hash_))
    except FileNotFoundError:
        there = ", ".join(f"{n}-{h}" for n, h in list_labels(objects, text_id)) or "none"
        raise NotFoundError(f"no label set {name}-{hash_} for text {text_id}; there are: {there}") from None
