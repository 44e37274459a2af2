"""Tables as a terminal or a file shows them. Knows no store."""

import re
from collections.abc import Iterable, Sequence
from textwrap import wrap

from rich.table import Table
from rich.text import Text

NUMBER = re.compile(r"-?[\d,]+(\.\d+)?(e[+-]?\d+)?%?( of \d+| k?B| [MGT]B| s| min| h)?")
"""What is set to the right: a number, with its unit where it has one."""
GAP = 2
"""Characters between columns."""
SHORT = 12
"""Cells of at most so many characters are never cut, where the width allows it."""
LEAST_OF_LONG = 10


def text_table(
    headers: Sequence[str], rows: Sequence[Sequence[str]], *, title: str | None, width: int | None
) -> Table:
    """A table of cells that are shown as they are; numbers are set to the right.

    `width`: of the terminal, None for a file, which gets every cell in one line.
    """
    columns = [[row[column] for row in rows] for column in range(len(headers))]
    if width is None or _together(map(_width, headers, columns)) <= width:
        whole = [True] * len(headers)
    else:
        headers = [_wrapped(header, cells) for header, cells in zip(headers, columns, strict=True)]
        widths = [_width(header, cells) for header, cells in zip(headers, columns, strict=True)]
        least = _together(each if each <= SHORT else LEAST_OF_LONG for each in widths)
        whole = [each <= SHORT and least <= width for each in widths]
    table = Table(
        title=None if title is None else Text(title), title_justify="left", box=None, pad_edge=False,
        header_style="bold",
    )  # fmt: skip
    for header, cells, is_whole in zip(headers, columns, whole, strict=True):
        numeric = bool(cells) and all(NUMBER.fullmatch(cell) for cell in cells if cell)
        table.add_column(
            Text(header), justify="right" if numeric else "left", overflow="fold", no_wrap=is_whole
        )
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    return table


def _width(header: str, cells: Sequence[str]) -> int:
    return _widest([*header.split("\n"), *cells])


def _wrapped(header: str, cells: Sequence[str]) -> str:
    """The header in lines no wider than its column's cells, where its words allow it."""
    return "\n".join(wrap(header, max(_widest(cells), _widest(header.split())))) if header else header


def _together(widths: Iterable[int]) -> int:
    found = list(widths)
    return sum(found) + GAP * (len(found) - 1)


def _widest(texts: Sequence[str]) -> int:
    return max(map(len, texts), default=0)
