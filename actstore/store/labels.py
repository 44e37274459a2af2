"""Label sets: annotations of a text, any number, added at any time; never part of the text's identity."""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa

from actstore.errors import NotFoundError, RequestError
from actstore.schema import ID_LENGTH, canonical_json
from actstore.schema.refs import CorpusRef, check_name
from actstore.schema.text import SPAN_LABELS, TAKEN_SETS, Target
from actstore.store import paths
from actstore.store.objects import Objects
from actstore.store.parquet import create_table, read_table, staged_table
from actstore.store.records import create_record, find_record

LABEL_SET_VERSION = 1
ROWS_PER_GROUP = 100_000
Numbered = Iterable[tuple[int, tuple[Target, ...]]]
"""Examples' numbers, ascending, each with its targets."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelSet:
    """A label set's identity and counts, by one pass over its targets."""

    name: str
    hash: str
    n_examples: int
    """Examples with at least one target."""
    n_targets: int
    n_labels: int
    """Different labels."""
    left_out: str = ""
    """What its source has and the set has not, and why."""
    source: str = "table"
    """'corpus' or 'file': the next extraction can read it again; 'table': it was given as one."""

    def to_dict(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


class LabelDigest:
    """Takes in the targets of a label set in order; ends as its identity and counts."""

    def __init__(self, name: str) -> None:
        """Raises RequestError for a name that is not possible or taken."""
        self.name = _checked(name)
        self._digest = hashlib.sha256(f"s {LABEL_SET_VERSION}".encode())
        self.labels: Counter[str] = Counter()
        """How often each label comes."""
        self._n_examples = self._n_targets = 0

    def add(self, example: int, targets: tuple[Target, ...]) -> None:
        """Take in the targets of an example."""
        self._n_examples += bool(targets)
        self._n_targets += len(targets)
        for row in target_rows(example, targets):
            if row["label"] is not None:
                self.labels[row["label"]] += 1
            self._digest.update(canonical_json(list(row.values())).encode())

    def finish(self, text_id: str, left_out: str = "", *, source: str = "file") -> LabelSet:
        """What was taken in, as a label set of a text."""
        return LabelSet(
            name=self.name,
            hash=_hash(text_id, self._digest),
            n_examples=self._n_examples,
            n_targets=self._n_targets,
            n_labels=len(self.labels),
            left_out=left_out,
            source=source,
        )


def store_labels(objects: Objects, text_id: str, found: LabelSet, read: Callable[[], Numbered]) -> None:
    """Store a label set where it is missing; `read` gives its targets from the start. Nothing is replaced."""
    key = paths.label_set(text_id, found.name, found.hash)
    if objects.size(key) is None:
        with staged_table(objects, key, SPAN_LABELS) as writer:
            for group in _groups(row for number, targets in read() for row in target_rows(number, targets)):
                writer.write_table(pa.Table.from_pylist(group, schema=SPAN_LABELS))
    create_record(objects, paths.label_record(text_id, found.name, found.hash), found.to_dict())


def add_labels(objects: Objects, text_id: str, name: str, table: pa.Table) -> str:
    """Store a label set given as a table with the columns of schema.text.SPAN_LABELS; returns its hash.

    Raises RequestError for a name that is not possible or taken.
    """
    _checked(name)
    table = table.cast(SPAN_LABELS)
    places = table.select(["example", "target"]).to_pylist()
    found = LabelSet(
        name=name,
        hash=span_labels_hash(text_id, table),
        n_examples=len({row["example"] for row in places}),
        n_targets=len({(row["example"], row["target"]) for row in places}),
        n_labels=len(set(table.column("label").to_pylist()) - {None}),
    )
    key = paths.label_set(text_id, name, found.hash)
    if objects.size(key) is None:
        create_table(objects, key, table)
    create_record(objects, paths.label_record(text_id, name, found.hash), found.to_dict())
    return found.hash


def span_labels_hash(text_id: str, table: pa.Table) -> str:
    """The hash of a span label set from its stored rows."""
    digest = hashlib.sha256(f"s {LABEL_SET_VERSION}".encode())
    for batch in table.select(SPAN_LABELS.names).to_batches(ROWS_PER_GROUP):
        for row in batch.to_pylist():
            digest.update(canonical_json(list(row.values())).encode())
    return _hash(text_id, digest)


def list_labels(objects: Objects, text_id: str) -> list[tuple[str, str]]:
    """(name, hash) of every label set of a text, by name."""
    files = objects.children(paths.text(text_id, "labels"))
    stems = [name.removesuffix(".parquet") for name in files if name.endswith(".parquet")]
    return [(name, hash_) for stem in stems for name, _, hash_ in [stem.rpartition("-")]]


def current_labels(objects: Objects, corpus: CorpusRef) -> list[tuple[str, str]]:
    """(name, hash) of the span label sets that a corpus has: those it is bound to, and others of its text.

    Of a name that the corpus is bound to only that one; older ones of that name stay in the store.
    """
    there = [(name, hash_) for name, hash_ in list_labels(objects, corpus.text_id) if name not in TAKEN_SETS]
    return [(name, hash_) for name, hash_ in there if corpus.labels.get(name, hash_) == hash_]


def describe_labels(objects: Objects, text_id: str, name: str, hash_: str) -> LabelSet:
    """What is recorded of a label set; counts of one without a record are 0."""
    record = find_record(objects, paths.label_record(text_id, name, hash_)) or {}
    empty = LabelSet(name=name, hash=hash_, n_examples=0, n_targets=0, n_labels=0)
    return replace(empty, **record)


def read_labels(objects: Objects, text_id: str, name: str, hash_: str) -> pa.Table:
    """One label set. Raises NotFoundError."""
    try:
        return read_table(objects, paths.label_set(text_id, name, hash_))
    except FileNotFoundError:
        there = ", ".join(f"{n}-{h}" for n, h in list_labels(objects, text_id)) or "none"
        raise NotFoundError(f"no label set {name}-{hash_} for text {text_id}; there are: {there}") from None


def target_rows(example: int, targets: tuple[Target, ...]) -> Iterator[dict[str, Any]]:
    """The rows of an example's targets, in the columns of schema.text.SPAN_LABELS."""
    for number, target in enumerate(targets):
        (start, end), (start2, end2) = target.span1, target.span2 or (None, None)
        for label in target.labels or (None,):
            yield {
                "example": example,
                "target": number,
                "span1_start": start,
                "span1_end": end,
                "span2_start": start2,
                "span2_end": end2,
                "label": label,
                "info": target.info,
            }


def _checked(name: str) -> str:
    check_name(name, "label set")
    if name in TAKEN_SETS:
        raise RequestError(f"label set name {name!r}: {', '.join(TAKEN_SETS)} are taken; choose another name")
    return name


def _groups(rows: Iterator[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    group: list[dict[str, Any]] = []
    for row in rows:
        group.append(row)
        if len(group) == ROWS_PER_GROUP:
            yield group
            group = []
    if group:
        yield group


def _hash(text_id: str, digest: "hashlib._Hash") -> str:
    return hashlib.sha256((text_id + digest.hexdigest()).encode()).hexdigest()[:ID_LENGTH]
