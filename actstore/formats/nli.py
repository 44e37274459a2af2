"""Formats `snli` and `mnli`: pairs of sentences with entailment, neutral or contradiction.

`snli`: the release's jsonl (sentence1, sentence2, gold_label). `mnli`: the same, or GLUE's table with a
header and tabs, or label TAB premise TAB hypothesis without a header; the first line tells which.
"""

from collections.abc import Generator, Iterator
from dataclasses import dataclass

from actstore.errors import CorpusError
from actstore.formats.json_text import parse, take
from actstore.formats.lines import numbered_lines
from actstore.formats.options import ReadOptions
from actstore.formats.plain import plain_pair
from actstore.formats.report import Tally
from actstore.schema.text import Example

LABELS = ("entailment", "neutral", "contradiction")
NO_MAJORITY = "-"
HIDDEN = frozenset(["", "hidden"])
"""Labels of MultiNLI's test sets."""
Lines = Iterator[tuple[int, str]]


@dataclass(frozen=True, slots=True)
class _Pair:
    """A pair as a line has it."""

    line: int
    source_id: str
    premise: str
    hypothesis: str
    label: str


def read_snli(options: ReadOptions, tally: Tally) -> Generator[Example, None, None]:
    """Yield the pairs of SNLI's jsonl; `source_id` is the pairID, else the line's number.

    Pairs without a majority label ("-") are left out, as is usual. Raises CorpusError with file and line.
    """
    yield from _examples(options, tally, _json_pairs(options.path, _full(options, tally)))


def read_mnli(options: ReadOptions, tally: Tally) -> Generator[Example, None, None]:
    """Yield the pairs of MultiNLI in one of its three shapes; `source_id` as in read_snli.

    Raises CorpusError with file and line.
    """
    lines = _full(options, tally)
    first = next(lines, None)
    if first is None:
        return
    line = first[1]
    shape = _json_pairs if line.startswith("{") else _glue_pairs if "sentence1" in line else _plain_pairs
    label = line.split("\t")[0].strip()
    if shape is _plain_pairs and label not in {*LABELS, *HIDDEN, NO_MAJORITY}:
        raise CorpusError(
            f"{options.path}:{first[0]}: begins with {label[:40]!r}: neither a label of "
            f"{', '.join(LABELS)} (then TAB premise TAB hypothesis), nor GLUE's header with sentence1 and "
            "sentence2, nor jsonl"
        )
    yield from _examples(options, tally, shape(options.path, _again(first, lines)))


def _full(options: ReadOptions, tally: Tally) -> Lines:
    for number, line in numbered_lines(options.path):
        if line.strip():
            yield number, line
        else:
            tally.skip("blank lines", number)


def _again(first: tuple[int, str], rest: Lines) -> Lines:
    yield first
    yield from rest


def _examples(options: ReadOptions, tally: Tally, pairs: Iterator[_Pair]) -> Iterator[Example]:
    for pair in pairs:
        if pair.label == NO_MAJORITY:
            tally.skip("pairs without a majority label", pair.line)
        elif not (pair.premise.strip() and pair.hypothesis.strip()):
            tally.skip("pairs with an empty sentence", pair.line)
        else:
            if pair.label in HIDDEN:
                tally.note("pairs without a label")
            elif pair.label not in LABELS:
                raise CorpusError(
                    f"{options.path}:{pair.line}: label {pair.label!r}; allowed are {', '.join(LABELS)}, "
                    f"{NO_MAJORITY} and hidden"
                )
            label = None if pair.label in HIDDEN else pair.label
            yield plain_pair(options, pair.source_id, pair.premise.strip(), pair.hypothesis.strip(), label)


def _json_pairs(path: str, lines: Lines) -> Iterator[_Pair]:
    for number, line in lines:
        where = f"{path}:{number}"
        value = parse(line, path, number)
        premise, hypothesis, label = (
            take(value, key, str, where) for key in ("sentence1", "sentence2", "gold_label")
        )
        source_id = take(value, "pairID", str, where) if "pairID" in value else str(number)
        yield _Pair(number, source_id, premise, hypothesis, label)


def _glue_pairs(path: str, lines: Lines) -> Iterator[_Pair]:
    header_line, header = next(lines)
    names = header.split("\t")
    for name in ("sentence1", "sentence2"):
        if name not in names:
            raise CorpusError(f"{path}:{header_line}: no column {name!r}; there are {', '.join(names)}")
    for number, line in lines:
        columns = line.split("\t")
        if len(columns) != len(names):
            raise CorpusError(f"{path}:{number}: {len(columns)} columns; the header has {len(names)}")
        row = dict(zip(names, columns, strict=True))
        yield _Pair(
            number,
            row.get("pairID", str(number)),
            row["sentence1"],
            row["sentence2"],
            row.get("gold_label", ""),
        )


def _plain_pairs(path: str, lines: Lines) -> Iterator[_Pair]:
    for number, line in lines:
        columns = line.split("\t")
        if len(columns) != 3:
            raise CorpusError(
                f"{path}:{number}: {len(columns)} columns; a line is label TAB premise TAB hypothesis, "
                "or the file begins with GLUE's header or is jsonl"
            )
        yield _Pair(number, str(number), columns[1], columns[2], columns[0].strip())
