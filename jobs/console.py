"""Console: what a command says. Answers go to stdout, progress and remarks to stderr."""

import json
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from rich.console import Console as RichConsole
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

FILE_WIDTH = 240
NUMBER = re.compile(r"-?[\d,]+(\.\d+)?(e[+-]?\d+)?%?( of \d+| k?B| [MGT]B| s| min| h)?")
"""What is set to the right: a number, with its unit where it has one."""


class Console:
    """Says things to a person, or, with `as_json`, one JSON document to a program."""

    def __init__(self, *, as_json: bool = False) -> None:
        self.as_json = as_json
        terminal = sys.stdout.isatty()
        # A file or a pipe gets every column whole; a terminal folds what does not fit.
        self.out = RichConsole(highlight=False, soft_wrap=True, width=None if terminal else FILE_WIDTH)
        self.err = RichConsole(stderr=True, highlight=False, soft_wrap=True)

    def answer(self, document: Any) -> None:
        """The one JSON document, where one was asked for."""
        if self.as_json:
            json.dump(document, sys.stdout, indent=1, ensure_ascii=False, default=str)
            sys.stdout.write("\n")

    def line(self, text: str) -> None:
        """A line of the answer."""
        if not self.as_json:
            self.out.print(text, markup=False)

    def remark(self, text: str) -> None:
        """A line beside the answer."""
        self.err.print(text, markup=False)

    def table(self, headers: Sequence[str], rows: Sequence[Sequence[str]], title: str | None = None) -> None:
        """A table of the answer; numbers are set to the right."""
        if self.as_json:
            return
        table = Table(title=title, title_justify="left", box=None, pad_edge=False, header_style="bold")
        for column, header in enumerate(headers):
            numeric = bool(rows) and all(_is_number(row[column]) for row in rows if row[column])
            table.add_column(header, justify="right" if numeric else "left", overflow="fold")
        for row in rows:
            table.add_row(*row)
        self.out.print(table)

    @contextmanager
    def progress(self, what: str, total: float) -> Iterator["Bar"]:
        """A progress bar on a terminal; nothing where stderr is no terminal."""
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[note]}"),
            TimeRemainingColumn(),
        )
        with Progress(
            *columns, console=self.err, disable=not self.err.is_terminal, transient=True
        ) as progress:
            yield Bar(progress, progress.add_task(what, total=total, note=""))


class Bar:
    """One running progress bar."""

    def __init__(self, progress: Progress, task: Any) -> None:
        self._progress, self._task = progress, task

    def advance(self, by: float = 1, note: str | None = None) -> None:
        """Move on, with a remark beside the bar."""
        self._progress.update(self._task, advance=by)
        if note is not None:
            self._progress.update(self._task, note=note)


def human_bytes(n_bytes: float) -> str:
    """Bytes as a person reads them."""
    for unit in ("B", "kB", "MB", "GB"):
        if abs(n_bytes) < 1000:
            return f"{n_bytes:.0f} {unit}" if unit == "B" else f"{n_bytes:.1f} {unit}"
        n_bytes /= 1000
    return f"{n_bytes:.2f} TB"


def human_seconds(seconds: float) -> str:
    """Seconds as a person reads them."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def counted(number: int, noun: str) -> str:
    """`1 shard`, `2 shards`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def _is_number(text: str) -> bool:
    return NUMBER.fullmatch(text) is not None
