"""Tables: whole in a file, as whole as the width allows on a terminal, and cells exactly as they are."""

import io

import pytest
from rich.console import Console

from jobs.tables import text_table

HEADERS = ["checkpoint", "tokens", "shards missing", "asked by"]
ROWS = [["base", "27,170", "7 of 7", "similarity/figure5, drift/moved"], ["sre", "355", "0 of 1", ""]]


def shown(
    headers: list[str], rows: list[list[str]], width: int | None, title: str | None = None
) -> list[str]:
    out = io.StringIO()
    table = text_table(headers, rows, title=title, width=width)
    Console(file=out, width=width or 10_000, soft_wrap=True).print(table)
    return [line.rstrip() for line in out.getvalue().splitlines()]


@pytest.mark.parametrize("width", [None, 200])
def test_where_there_is_room_each_row_is_a_line(width: int | None) -> None:
    assert shown(HEADERS, ROWS, width) == [
        "checkpoint  tokens  shards missing  asked by",
        "base        27,170          7 of 7  similarity/figure5, drift/moved",
        "sre            355          0 of 1",
    ]


def test_where_there_is_none_headers_break_at_words_and_long_cells_fold() -> None:
    lines = shown(HEADERS, ROWS, 50)
    assert max(map(len, lines)) <= 50
    assert lines[0].split() == ["shards"]
    assert lines[1].split() == ["checkpoint", "tokens", "missing", "asked", "by"]
    text = "".join(lines)
    for cell in ("base", "27,170", "7 of 7", "similarity/figure5"):
        assert cell in text


def test_a_file_gets_long_cells_in_one_line() -> None:
    assert shown(["text"], [["word " * 300]], None)[1] == ("word " * 300).strip()


def test_cells_that_look_like_markup_are_shown_as_they_are() -> None:
    cells = ["[bold]x[/bold]", "[/nothing]", ":smile:", "[CLS]"]
    assert shown(["piece"], [[cell] for cell in cells], 80, title="[red] table") == [
        "[red] table",
        "piece",
        *cells,
    ]


def test_only_numbers_are_set_to_the_right() -> None:
    assert shown(["a", "b", "c"], [["1.5", "2.1 MB", "0.1 -0.2 ..."], ["-10", "", "1"]], 80) == [
        "  a       b  c",
        "1.5  2.1 MB  0.1 -0.2 ...",
        "-10          1",
    ]


def test_no_rows() -> None:
    assert shown(["a", "b"], [], 80) == ["a  b"]
