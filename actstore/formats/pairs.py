"""Format `pairs`: text TAB second text [TAB label] a line, without a header or quoting."""

from collections.abc import Generator

from actstore.errors import CorpusError
from actstore.formats.lines import numbered_lines
from actstore.formats.options import ReadOptions
from actstore.formats.plain import plain_pair
from actstore.formats.report import Tally
from actstore.schema.text import Example


def read_pairs(options: ReadOptions, tally: Tally) -> Generator[Example, None, None]:
    """Yield the lines of a file as pairs; `source_id` is the line's number.

    Raises CorpusError for a line without two or three columns or with an empty text; a label may be empty.
    """
    for number, line in numbered_lines(options.path):
        if not line.strip():
            tally.skip("blank lines", number)
            continue
        columns = [column.strip() for column in line.split("\t")]
        where = f"{options.path}:{number}"
        if len(columns) not in {2, 3}:
            raise CorpusError(
                f"{where}: {len(columns)} columns; a line of pairs is text TAB second text [TAB label]"
            )
        if not (columns[0] and columns[1]):
            raise CorpusError(f"{where}: column {1 if not columns[0] else 2} is empty; both texts are needed")
        label = columns[2] if len(columns) == 3 else ""
        yield plain_pair(options, str(number), columns[0], columns[1], label or None)
