"""Rows of a data set as examples, by the names of their columns. Knows no library of data sets."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from actstore.errors import CorpusError
from actstore.formats.offsets import joined_spans
from actstore.formats.options import ReadOptions
from actstore.formats.plain import plain_pair, plain_text
from actstore.formats.report import Tally
from actstore.formats.squad import squad_example
from actstore.schema.text import Example, Word

Row = Mapping[str, Any]
Classes = Mapping[str, Sequence[str]]
IDS = ("id", "idx", "sent_id")
PAIRS = (("premise", "hypothesis"), ("sentence1", "sentence2"), ("question1", "question2"))
TEXTS = ("text", "sentence", "content")
LABELS = ("label", "gold_label")
SHAPES = "question + context + answers, tokens + upos + head + deprel, premise + hypothesis, or text"


def shape_of(columns: Sequence[str]) -> str:
    """squad, treebank, pairs or text. Raises CorpusError for columns of none of them."""
    there = set(columns)
    if {"question", "context", "answers"} <= there:
        return "squad"
    if {"tokens", "head", "deprel"} <= there:
        return "treebank"
    if any(set(pair) <= there for pair in PAIRS):
        return "pairs"
    if any(name in there for name in TEXTS):
        return "text"
    raise CorpusError(
        f"the data set has the columns {', '.join(columns)}, of which none makes a text; allowed are "
        f"{SHAPES}; rename them, save the data set, and name the saved folder"
    )


def row_examples(  # noqa: PLR0917  the parts of one row
    options: ReadOptions, tally: Tally, shape: str, row: Row, number: int, classes: Classes
) -> Iterator[Example]:
    """The examples of one row; `classes`: names of a column's classes, where it holds their numbers."""
    ids = [str(row[name]) for name in IDS if row.get(name) is not None]
    source_id = ids[0] if ids else str(number)
    if shape == "squad":
        where = f"{options.path}: row {number}"
        found = squad_example(options, _question(row, source_id), row["context"], where, tally)
        yield from [found] if found is not None else ()
    elif shape == "treebank":
        yield from _sentence(tally, row, source_id, number, classes)
    elif shape == "pairs":
        yield from _pair(options, tally, row, source_id, number, _label(row, classes))
    else:
        text = str(next(row[name] for name in TEXTS if name in row) or "").strip()
        if text:
            yield from plain_text(options, tally, source_id, text, _label(row, classes))
        else:
            tally.skip("rows without text", number, unit="row")


def _pair(  # noqa: PLR0917  as row_examples
    options: ReadOptions, tally: Tally, row: Row, source_id: str, number: int, label: str | None
) -> Iterator[Example]:
    names = next(pair for pair in PAIRS if set(pair) <= set(row))
    first, second = (str(row[name] or "").strip() for name in names)
    if not (first and second):
        tally.skip("pairs with an empty sentence", number, unit="row")
    elif label is None and any(name in row for name in LABELS):
        tally.skip("pairs without a majority label", number, unit="row")
    else:
        yield plain_pair(options, source_id, first, second, label)


def _label(row: Row, classes: Classes) -> str | None:
    """The label's name; None where there is none, or its number is below 0."""
    name = next((name for name in LABELS if name in row), None)
    value = None if name is None else row[name]
    if value is None or value in (-1, "-", ""):
        return None
    return classes[str(name)][value] if name in classes and isinstance(value, int) else str(value)


def _question(row: Row, source_id: str) -> dict[str, Any]:
    answers = row["answers"] or {"text": [], "answer_start": []}
    listed = [
        {"text": text, "answer_start": start}
        for text, start in zip(answers["text"], answers["answer_start"], strict=True)
    ]
    return {"id": source_id, "question": row["question"], "answers": listed}


def _sentence(tally: Tally, row: Row, source_id: str, number: int, classes: Classes) -> Iterator[Example]:
    """A sentence of a treebank; heads count words from 1, 0 is the root."""
    forms = [str(form) for form in row["tokens"]]
    text, spans = joined_spans(forms)
    if not forms:
        tally.skip("sentences without words", number, unit="row")
        return
    heads = [_head(value, index, len(forms), number) for index, value in enumerate(row["head"])]
    columns = {
        name: _names(row.get(name), len(forms), classes.get(name)) for name in ("upos", "xpos", "deprel")
    }
    yield Example(
        source_id=source_id,
        text=text,
        words=tuple(
            Word(segment=0, char_start=start, char_end=end, text=forms[i], head=heads[i],
                 **{name: values[i] for name, values in columns.items()})
            for i, (start, end) in enumerate(spans)
        ),
    )  # fmt: skip


def _names(values: Sequence[Any] | None, n_words: int, classes: Sequence[str] | None) -> list[str | None]:
    found = [None] * n_words if values is None else list(values)
    if classes is not None:
        found = [classes[value] if isinstance(value, int) and value >= 0 else value for value in found]
    return [None if value in (None, "_", "", -1) else str(value) for value in found]


def _head(value: Any, index: int, n_words: int, number: int) -> int | None:
    if value in (None, "None", "_", ""):
        return None
    head = int(value)
    if not 0 <= head <= n_words:
        raise CorpusError(f"row {number}: head {head}; allowed are 0 to {n_words}")
    return head - 1 if head else index
