"""A corpus format of somebody else's: stanzas, which an empty line divides."""

from collections.abc import Generator
from itertools import groupby
from pathlib import Path

from actstore.formats.options import ReadOptions
from actstore.formats.report import Tally
from actstore.formats.words import split_words
from actstore.schema.text import Example


def read_stanzas(options: ReadOptions, tally: Tally) -> Generator[Example, None, None]:
    with Path(options.path).open(encoding="utf-8") as lines:
        for number, (filled, stanza) in enumerate(groupby(lines, key=lambda line: bool(line.strip()))):
            if filled:
                text = " ".join(line.strip() for line in stanza)
                yield Example(source_id=str(number), text=text, words=split_words(text))
