"""Format `text`: a line an example, or its sentences; white space at its ends is dropped, blank lines too."""

from collections.abc import Generator

from actstore.formats.lines import numbered_lines
from actstore.formats.options import ReadOptions
from actstore.formats.plain import plain_examples
from actstore.formats.report import Tally
from actstore.schema.text import Example


def read_text(options: ReadOptions, tally: Tally) -> Generator[Example, None, None]:
    """Yield the lines of a file as examples; `source_id` is the line's number (and its sentence's)."""
    for number, line in numbered_lines(options.path):
        text = line.strip()
        if text:
            yield from plain_examples(options, tally, str(number), text)
        else:
            tally.skip("blank lines", number)
