"""Format `conllu`: Universal Dependencies treebanks; ten columns a word, a blank line after each sentence."""

import re
from collections.abc import Generator, Iterator
from dataclasses import dataclass

from actstore.errors import CorpusError
from actstore.formats.lines import numbered_lines
from actstore.formats.offsets import Span, Surface, joined_spans, raw_spans
from actstore.formats.options import ReadOptions
from actstore.formats.report import Tally
from actstore.schema.text import Example, Word

COLUMNS = 10
WORD_ID, RANGE_ID, EMPTY_ID = (re.compile(p) for p in (r"[1-9]\d*", r"([1-9]\d*)-([1-9]\d*)", r"\d+\.\d+"))
"""A word, a multi-word token over several words, a node that is no word of the text."""
COMMENT = re.compile(r"#\s*(sent_id|text)\s*=\s*(.*)")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    """One line of ten columns, with its place for error messages."""

    where: str
    id: str
    form: str
    upos: str | None
    xpos: str | None
    head: str | None
    deprel: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sentence:
    """The lines between two blank lines."""

    where: str
    line: int
    comments: dict[str, str]
    rows: tuple[_Row, ...]


def read_conllu(options: ReadOptions, tally: Tally) -> Generator[Example, None, None]:
    """Yield sentences as examples; `source_id` is the sent_id, else the number of the first line.

    Raises CorpusError, with file and line, for a malformed line, and for `text_from = "raw"` where a sentence
    has no line "# text = ..." or a word is not found in it.
    """
    for sentence in _sentences(options.path):
        surfaces = _surfaces(sentence, tally)
        words = tuple(word for surface in surfaces for word in surface.words)
        if not words:
            tally.skip("sentences without words", sentence.line)
            continue
        if options.text_from == "raw":
            text = _raw_text(sentence)
            spans = raw_spans(text, surfaces)
        else:
            text, spans = joined_spans([word.form for word in words])
        source_id = sentence.comments.get("sent_id") or str(sentence.line)
        yield Example(source_id=source_id, text=text, words=_words(words, spans))


def _sentences(path: str) -> Iterator[_Sentence]:
    comments: dict[str, str] = {}
    rows: list[_Row] = []
    first = 0
    for number, line in numbered_lines(path):
        first = first or number
        if not line.strip():
            if rows:
                yield _Sentence(where=f"{path}:{first}", line=first, comments=comments, rows=tuple(rows))
            comments, rows, first = {}, [], 0
        elif line.startswith("#"):
            found = COMMENT.fullmatch(line.strip())
            comments |= {found[1]: found[2]} if found else {}
        else:
            rows.append(_row(line, f"{path}:{number}"))
    if rows:
        yield _Sentence(where=f"{path}:{first}", line=first, comments=comments, rows=tuple(rows))


def _row(line: str, where: str) -> _Row:
    columns = line.split("\t")
    if len(columns) != COLUMNS:
        raise CorpusError(f"{where}: {len(columns)} columns; a line of CoNLL-U has {COLUMNS}, parted by tabs")
    if not columns[1]:
        raise CorpusError(f"{where}: the word (column 2) is empty; write _ for a word without a form")
    upos, xpos, head, deprel = (None if columns[i] in {"_", ""} else columns[i] for i in (3, 4, 6, 7))
    return _Row(where=where, id=columns[0], form=columns[1], upos=upos, xpos=xpos, head=head, deprel=deprel)


def _surfaces(sentence: _Sentence, tally: Tally) -> list[Surface[_Row]]:
    """What stands in the raw text, each with its words: a multi-word token has several."""
    surfaces: list[Surface[_Row]] = []
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


def _raw_text(sentence: _Sentence) -> str:
    text = sentence.comments.get("text")
    if not text:
        raise CorpusError(
            f'{sentence.where}: no line "# text = ..." for text_from = "raw"; use text_from = "words"'
        )
    return text


def _words(rows: tuple[_Row, ...], spans: list[Span]) -> tuple[Word, ...]:
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


def _head(row: _Row, index: int, n_words: int) -> int | None:
    """Index of the head word, itself for the root: HEAD counts words from 1, and 0 is the root."""
    if row.head is None:
        return None
    if not (row.head.isdecimal() and int(row.head) <= n_words):
        raise CorpusError(f"{row.where}: head {row.head!r}; allowed are 0 to {n_words}, or _ for none")
    return int(row.head) - 1 if int(row.head) else index
