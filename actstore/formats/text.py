"""Format `text`: a line an example, white space at its ends dropped; blank lines give no example."""

from collections.abc import Generator

from actstore.formats.lines import numbered_lines
from actstore.formats.options import ReadOptions
from actstore.formats.report import Tally
from actstore.formats.words import split_words
from actstore.schema.text import Example


def read_text(options: ReadOptions, tally: Tally) -> Generator[Example, None, None]:
    """Yield the lines of a file as examples; `source_id` is the line's number."""
    for number, line in numbered_lines(options.path):
        text = line.strip()
        if text:
            yield Example(source_id=str(number), text=text, words=split_words(text))
        else:
            tally.skip("blank lines", number)
