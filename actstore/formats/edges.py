"""Format `edges`: jiant's JSON lines for edge probing (Tenney et al. 2019), one record a line.

`text` is words parted by white space; `targets` have `span1`, maybe `span2` (half-open, of words) and
`label`, a string or a list of strings; records and targets may have an `info`. Records of semantic roles come
one a predicate: records of one text that follow one another are one example, until a target is there twice.
"""

import re
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import Any

from actstore.errors import CorpusError
from actstore.formats.json_text import parse, take
from actstore.formats.lines import numbered_lines
from actstore.formats.offsets import joined_spans
from actstore.formats.options import ReadOptions
from actstore.formats.report import Tally
from actstore.formats.spans import checked_span
from actstore.schema import canonical_json
from actstore.schema.text import Example, Target, Word

EDGES = "edges"
WORD = re.compile(r"\S+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """The records of one text: its words and targets, and where the first one stands."""

    line: int
    source_id: str | None
    """The record's `info.source_id`, by which a label file may say its example."""
    text: str
    words: tuple[str, ...]
    targets: tuple[Target, ...]


def read_edges(options: ReadOptions, tally: Tally) -> Generator[Example, None, None]:
    """Yield the texts of a file with their targets as set `edges`; `source_id`: info.source_id, or line.

    Records without targets are left out, as the reference code does. Raises CorpusError with file and line
    for a record that is none and for a span outside its sentence.
    """
    for record in edge_records(options.path, tally):
        source_id = record.source_id or str(record.line)
        if options.text_from == "raw":
            text, spans = record.text, [found.span() for found in WORD.finditer(record.text)]
        else:
            text, spans = joined_spans(list(record.words))
        words = tuple(
            Word(segment=0, char_start=start, char_end=end, text=word)
            for word, (start, end) in zip(record.words, spans, strict=True)
        )
        yield Example(source_id=source_id, text=text, words=words, targets={EDGES: record.targets})


def edge_records(path: str, tally: Tally) -> Iterator[Record]:
    """The records of a file, those of one text joined."""
    held: Record | None = None
    n_spans = 0
    for record in _records(path, tally):
        for target in record.targets:
            n_spans = n_spans or (2 if target.span2 else 1)
            if n_spans != (2 if target.span2 else 1):
                raise CorpusError(
                    f"{path}:{record.line}: a target has {3 - n_spans} spans, those before have {n_spans}; "
                    "the targets of a label set are alike: make two files"
                )
        if held is not None and _same(held, record):
            tally.note("records joined to the one before, of the same text")
            held = Record(
                line=held.line,
                source_id=held.source_id,
                text=held.text,
                words=held.words,
                targets=(*held.targets, *record.targets),
            )
            continue
        if held is not None:
            yield held
        held = record
    if held is not None:
        yield held


def _same(held: Record, record: Record) -> bool:
    if (held.words, held.source_id) != (record.words, record.source_id):
        return False
    there = {(target.span1, target.span2) for target in held.targets}
    return not any((target.span1, target.span2) in there for target in record.targets)


def _records(path: str, tally: Tally) -> Iterator[Record]:
    for number, line in numbered_lines(path):
        where = f"{path}:{number}"
        if not line.strip():
            tally.skip("blank lines", number)
            continue
        value = parse(line, path, number)
        text, listed = take(value, "text", str, where), take(value, "targets", list, where)
        words = tuple(found.group() for found in WORD.finditer(text))
        info = value.get("info") or {}
        if not isinstance(info, dict):
            raise CorpusError(f"{where}: 'info' is {info!r}; it has to be an object")
        if not listed:
            tally.skip("records without targets", number)
            continue
        source_id = info.get("source_id")
        yield Record(
            line=number,
            source_id=None if source_id is None else str(source_id),
            text=text,
            words=words,
            targets=tuple(
                _target(one, info, len(words), f"{where}: targets[{i}]") for i, one in enumerate(listed)
            ),
        )


def _target(value: Any, info: dict[str, Any], n_words: int, where: str) -> Target:
    if not isinstance(value, dict) or "span1" not in value or "label" not in value:
        raise CorpusError(f"{where} is {value!r}; a target is an object with 'span1' and 'label'")
    labels = value["label"]
    listed = [labels] if isinstance(labels, str) else labels
    if not (isinstance(listed, list) and all(isinstance(label, str) for label in listed)):
        raise CorpusError(f"{where}.label is {labels!r}; it has to be a string or a list of strings")
    if len(set(listed)) != len(listed):
        raise CorpusError(f"{where}.label is {labels!r}; each label stands once")
    said = {**info, **(value.get("info") or {})}
    said.pop("source_id", None)
    span2 = value.get("span2")
    return Target(
        span1=checked_span(value["span1"], n_words, f"{where}.span1"),
        span2=None if span2 is None else checked_span(span2, n_words, f"{where}.span2"),
        labels=tuple(listed),
        info=canonical_json(said) if said else None,
    )
