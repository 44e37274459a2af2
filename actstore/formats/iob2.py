"""Format `iob2`: entities as B-X, I-X and O a word; columns parted by tabs, a blank line after each sentence.

Columns are number, word, tag and more (Universal NER), or word first and tag last (CoNLL-2003).
"""

from collections.abc import Generator, Iterator
from dataclasses import dataclass

from actstore.errors import CorpusError
from actstore.formats.lines import numbered_lines
from actstore.formats.offsets import joined_spans
from actstore.formats.options import ReadOptions
from actstore.formats.report import Tally
from actstore.formats.treebank import COMMENT
from actstore.schema.text import Example, Target, Word

ENTITIES = "entities"


@dataclass(frozen=True, slots=True, kw_only=True)
class TaggedSentence:
    """A sentence of a file with its entities."""

    line: int
    sent_id: str | None
    words: tuple[str, ...]
    targets: tuple[Target, ...]


def read_iob2(options: ReadOptions, tally: Tally) -> Generator[Example, None, None]:
    """Yield sentences, words joined by spaces, with label set `entities`; `source_id`: sent_id, or line.

    Raises CorpusError with file and line for a line without a tag and for an I-X that continues nothing.
    """
    del tally
    for sentence in tagged_sentences(options.path):
        text, spans = joined_spans(list(sentence.words))
        words = tuple(
            Word(segment=0, char_start=start, char_end=end, text=word)
            for word, (start, end) in zip(sentence.words, spans, strict=True)
        )
        source_id = sentence.sent_id or str(sentence.line)
        yield Example(source_id=source_id, text=text, words=words, targets={ENTITIES: sentence.targets})


def tagged_sentences(path: str) -> Iterator[TaggedSentence]:
    """The sentences of a file."""
    first, sent_id = 0, None
    tagged: list[tuple[int, str, str]] = []
    for number, line in numbered_lines(path):
        if not line.strip():
            if tagged:
                yield _sentence(path, first, sent_id, tagged)
            first, sent_id, tagged = 0, None, []
            continue
        first = first or number
        if found := COMMENT.fullmatch(line.strip()):
            sent_id = found[2] if found[1] == "sent_id" else sent_id
        elif not line.startswith("# "):
            tagged.append((number, *_columns(path, number, line)))
    if tagged:
        yield _sentence(path, first, sent_id, tagged)


def _columns(path: str, number: int, line: str) -> tuple[str, str]:
    """(word, tag) of a line."""
    columns = line.split("\t") if "\t" in line else line.split(" ")
    if len(columns) > 2 and columns[0].isdecimal():
        word, tag = columns[1], columns[2]
    else:
        word, tag = columns[0], columns[-1]
    if len(columns) < 2 or not (word and (tag == "O" or (tag[:2] in {"B-", "I-"} and tag[2:]))):
        raise CorpusError(
            f"{path}:{number}: {line[:60]!r}; a line is number TAB word TAB tag, or word and tag; a "
            "tag is O, B-X or I-X"
        )
    return word, tag


def _sentence(
    path: str, first: int, sent_id: str | None, tagged: list[tuple[int, str, str]]
) -> TaggedSentence:
    targets: list[Target] = []
    kind: str | None = None
    begin = 0
    for index, (number, _, tag) in enumerate([*tagged, (0, "", "O")]):
        if tag[:2] == "I-":
            if kind != tag[2:]:
                raise CorpusError(f"{path}:{number}: {tag} continues no {tag[2:]}; write B-{tag[2:]}")
            continue
        if kind is not None:
            targets.append(Target(span1=(begin, index), labels=(kind,)))
        kind, begin = (tag[2:] if tag[:2] == "B-" else None), index
    words = tuple(word for _, word, _ in tagged)
    return TaggedSentence(line=first, sent_id=sent_id, words=words, targets=tuple(targets))
