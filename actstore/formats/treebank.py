"""Sentences of CoNLL-U as they stand in a file: ten columns a word, a blank line after each sentence."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from actstore.errors import CorpusError
from actstore.formats.offsets import Span, Surface, joined_spans, raw_spans
from actstore.formats.options import ReadOptions
from actstore.formats.report import Tally
from actstore.schema.text import Example, Word
from actstore.schema.trees import tree_problem

COLUMNS = 10
WORD_ID, RANGE_ID, EMPTY_ID = (re.compile(p) for p in (r"[1-9]\d*", r"([1-9]\d*)-([1-9]\d*)", r"\d+\.\d+"))
"""A word, a multi-word token over several words, a node that is no word of the text."""
COMMENT = re.compile(r"#\s*(sent_id|text|newdoc id)\s*=\s*(.*)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of ten columns, with its place for error messages."""

    where: str
    id: str
    form: str
    upos: str | None
    xpos: str | None
    head: str | None
    deprel: str | None
    misc: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentence:
    """The lines between two blank lines."""

    where: str
    line: int
    comments: dict[str, str]
    rows: tuple[Row, ...]


def sentences(path: str, lines: Iterable[tuple[int, str]]) -> Iterator[Sentence]:
    """The sentences of numbered lines. Raises CorpusError, with file and line, for a malformed line."""
    comments: dict[str, str] = {}
    rows: list[Row] = []
    first = 0
    for number, line in lines:
        first = first or number
        if not line.strip():
            if rows:
                yield Sentence(where=f"{path}:{first}", line=first, comments=comments, rows=tuple(rows))
                comments, rows = {}, []
            first = 0
        elif line.startswith("#"):
            found = COMMENT.fullmatch(line.strip())
            comments |= {found[1]: found[2]} if found else {}
        else:
            rows.append(_row(line, f"{path}:{number}"))
    if rows:
        yield Sentence(where=f"{path}:{first}", line=first, comments=comments, rows=tuple(rows))


def sentence_words(sentence: Sentence, tally: Tally) -> tuple[list[Surface[Row]], tuple[Row, ...]]:
    """What stands in the raw text, and its words in order. Raises CorpusError for ids out of order."""
    surfaces = _surfaces(sentence, tally)
    return surfaces, tuple(word for surface in surfaces for word in surface.words)


def sentence_example(
    sentence: Sentence, surfaces: list[Surface[Row]], rows: tuple[Row, ...], options: ReadOptions
) -> Example:
    """A sentence as an example; `source_id` is the sent_id, else the number of the first line.

    Raises CorpusError for `text_from = "raw"` where there is no line "# text = ..." or a word is not found in
    it, and where `options.trees` asks for trees and the heads are none.
    """
    if options.text_from == "raw":
        text = _raw_text(sentence)
        spans = raw_spans(text, surfaces)
    else:
        text, spans = joined_spans([row.form for row in rows])
    words = _words(rows, spans)
    problem = tree_problem([word.head for word in words]) if options.trees else None
    if problem is not None:
        raise CorpusError(f"{sentence.where}: the heads are no tree: {problem}; mend or remove the sentence")
    return Example(source_id=sentence.comments.get("sent_id") or str(sentence.line), text=text, words=words)


def _row(line: str, where: str) -> Row:
    columns = line.split("\t")
    if len(columns) != COLUMNS:
        raise CorpusError(f"{where}: {len(columns)} columns; a line of CoNLL-U has {COLUMNS}, parted by tabs")
    if not columns[1]:
        raise CorpusError(f"{where}: the word (column 2) is empty; write _ for a word without a form")
    upos, xpos, head, deprel = (None if columns[i] in {"_", ""} else columns[i] for i in (3, 4, 6, 7))
    return Row(
        where=where,
        id=columns[0],
        form=columns[1],
        upos=upos,
        xpos=xpos,
        head=head,
        deprel=deprel,
        misc=columns[9],
    )


def _surfaces(sentence: Sentence, tally: Tally) -> list[Surface[Row]]:
    """What stands in the raw text, each with its words: a multi-word token has several."""
    surfaces: list[Surface[Row]] = []
    n_words = last_of_range = 0
    for row in sentence.rows:
        if WORD_ID.fullmatch(row.id):
            n_words += 1
            if int(row.id) != n_words:
                raise CorpusError(f"{row.where}: word {row.id} where {n_words} should follow; renumber")
            if n_words > last_of_range:
                surfaces.append(Surface(row.where, row.form))
            surfaces[-1].words.append(row)
        elif found := RANGE_ID.fullmatch(row.id):
            first, last = int(found[1]), int(found[2])
            if first != n_words + 1 or last < first or n_words < last_of_range:
                raise CorpusError(f"{row.where}: range {row.id} is not before its words, or in another range")
            last_of_range = last
            surfaces.append(Surface(row.where, row.form))
            tally.note("multi-word tokens")
        elif EMPTY_ID.fullmatch(row.id):
            tally.note("empty nodes")
        else:
            raise CorpusError(f"{row.where}: id {row.id!r}; allowed are 3, 3-4 and 8.1 (first column)")
    if last_of_range > n_words:
        raise CorpusError(
            f"{sentence.where}: a range ends at word {last_of_range} of {n_words}; add the words"
        )
    return surfaces


def _raw_text(sentence: Sentence) -> str:
    text = sentence.comments.get("text")
    if not text:
        raise CorpusError(
            f'{sentence.where}: no line "# text = ..." for text_from = "raw"; use text_from = "words"'
        )
    return text


def _words(rows: tuple[Row, ...], spans: list[Span]) -> tuple[Word, ...]:
    return tuple(
        Word(
            segment=0,
            char_start=start,
            char_end=end,
            text=row.form,
            upos=row.upos,
            xpos=row.xpos,
            head=_head(row, index, len(rows)),
            deprel=row.deprel,
        )
        for index, (row, (start, end)) in enumerate(zip(rows, spans, strict=True))
    )


def _head(row: Row, index: int, n_words: int) -> int | None:
    """Index of the head word, itself for the root: HEAD counts words from 1, and 0 is the root."""
    if row.head is None:
        return None
    if not (row.head.isdecimal() and int(row.head) <= n_words):
        raise CorpusError(f"{row.where}: head {row.head!r}; allowed are 0 to {n_words}, or _ for none")
    return int(row.head) - 1 if int(row.head) else index
