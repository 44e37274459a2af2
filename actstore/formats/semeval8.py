"""Format `semeval8`: SemEval-2010 task 8, relations between two marked nominals of a sentence.

Blocks of an id, TAB and the quoted sentence with <e1> and <e2>; its relation; a comment; a blank line.
"""

import random
import re
from collections.abc import Generator, Iterator
from dataclasses import dataclass

from actstore.errors import CorpusError
from actstore.formats.lines import numbered_lines
from actstore.formats.options import ReadOptions
from actstore.formats.report import Tally
from actstore.formats.spans import words_between
from actstore.formats.words import split_words
from actstore.schema.text import Example, Span, Target, Word

RELATIONS = "relations"
SENTENCE = re.compile(r'(\d+)\t"?(.*?)"?\s*')
TAG = re.compile(r"</?e[12]>")
SPLIT_SEED, TRAIN_SHARE = 42, 0.85
"""The development set that the source has not: jiant's seeded split (methods.md 3.1)."""


@dataclass(frozen=True, slots=True)
class _Block:
    line: int
    id: str
    sentence: str
    relation: str


def read_semeval8(options: ReadOptions, tally: Tally) -> Generator[Example, None, None]:
    """Yield the sentences with label set `relations`: spans of e1 and e2, the relation with its direction.

    `split`: "train" or "dev" of a training file, by a seeded draw over its sentences in order (85 % train).
    Words are those of plain text. Raises CorpusError with file and line for a block that is none.
    """
    draw = random.Random(SPLIT_SEED)
    for block in _blocks(options.path):
        part = "train" if draw.random() <= TRAIN_SHARE else "dev"
        if options.split in {None, part}:
            yield _example(block, f"{options.path}:{block.line}", tally)


def _blocks(path: str) -> Iterator[_Block]:
    held: list[tuple[int, str]] = []
    for number, line in numbered_lines(path):
        if line.strip():
            held.append((number, line))
        elif held:
            yield _block(path, held)
            held = []
    if held:
        yield _block(path, held)


def _block(path: str, lines: list[tuple[int, str]]) -> _Block:
    line, first = lines[0]
    found = SENTENCE.fullmatch(first)
    if found is None:
        raise CorpusError(f'{path}:{line}: {first[:60]!r}; a block begins with an id, TAB and "sentence"')
    if len(lines) < 2:
        raise CorpusError(f"{path}:{line}: sentence {found[1]} has no relation in the line after it; add it")
    return _Block(line, found[1], found[2], lines[1][1].strip())


def _example(block: _Block, where: str, tally: Tally) -> Example:
    text, places = _without_tags(block.sentence, where)
    words = split_words(text)
    spans = tuple(_span(words, place, where, tally) for place in places)
    target = Target(span1=spans[0], span2=spans[1], labels=(block.relation,))
    return Example(source_id=block.id, text=text, words=words, targets={RELATIONS: (target,)})


def _without_tags(sentence: str, where: str) -> tuple[str, list[Span]]:
    """The sentence as it was written, and the places of e1 and e2 in it."""
    text, at, places = "", 0, {}
    for tag in TAG.finditer(sentence):
        text += sentence[at : tag.start()]
        at = tag.end()
        places[tag.group()] = len(text)
    if set(places) != {"<e1>", "</e1>", "<e2>", "</e2>"}:
        raise CorpusError(
            f"{where}: {len(places)} of the four tags <e1> </e1> <e2> </e2>; mark both nominals"
        )
    return text + sentence[at:], [(places[f"<e{i}>"], places[f"</e{i}>"]) for i in (1, 2)]


def _span(words: tuple[Word, ...], place: Span, where: str, tally: Tally) -> Span:
    span = words_between(words, *place)
    if span is None:
        raise CorpusError(f"{where}: no word between <e> and </e>; mark a word")
    if (words[span[0]].char_start, words[span[1] - 1].char_end) != place:
        tally.note("marked nominals that do not end where words do, widened to whole words")
    return span
