"""Console: what a command says. Answers go to stdout, progress and remarks to stderr."""

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, nullcontext, redirect_stdout
from typing import Any

from rich.console import Console as RichConsole
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Column

from jobs.tables import text_table

FILE_WIDTH = 1_000_000
BAR_WIDTH = 20


class Console:
    """Says things to a person, or, with `as_json`, one JSON document to a program."""

    def __init__(self, *, as_json: bool = False) -> None:
        self.as_json = as_json
        self._stdout = sys.stdout
        terminal = sys.stdout.isatty()
        # A file or a pipe gets every line whole; a terminal folds what does not fit.
        self.out = RichConsole(
            highlight=False, soft_wrap=True, emoji=False, width=None if terminal else FILE_WIDTH
        )
        self.err = RichConsole(stderr=True, highlight=False, soft_wrap=True, emoji=False)

    def answer(self, document: Any) -> None:
        """The one JSON document, where one was asked for."""
        if self.as_json:
            json.dump(document, self._stdout, indent=1, ensure_ascii=False, default=str)
            self._stdout.write("\n")

    @contextmanager
    def alone(self) -> Iterator[None]:
        """With `as_json`, what libraries print goes to stderr: Ray tells of lost workers on stdout."""
        with redirect_stdout(sys.stderr) if self.as_json else nullcontext():
            yield

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
        width = self.out.width if self.out.is_terminal else None
        self.out.print(text_table(headers, rows, title=title, width=width))

    @contextmanager
    def progress(self, what: str, total: float) -> Iterator["Bar"]:
        """A progress bar on a terminal; nothing where stderr is no terminal."""
        columns = (
            TextColumn("{task.description}", markup=False),
            BarColumn(BAR_WIDTH),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            # What does not fit is cut here, at its end.
            TextColumn(
                "{task.fields[note]}",
                markup=False,
                table_column=Column(ratio=1, no_wrap=True, overflow="ellipsis"),
            ),
        )
        with Progress(
            *columns, console=self.err, disable=not self.err.is_terminal, transient=True, expand=True
        ) as progress:
            yield Bar(progress, progress.add_task(what, total=total, note=""))

    @contextmanager
    def counting(self, what: str, total: float) -> Iterator[Callable[[float, str], None]]:
        """A progress bar that is told how far it is, with a remark; shown once it is told."""
        with ExitStack() as stack:
            bars: list[Bar] = []

            def reached(done: float, note: str) -> None:
                if not bars:
                    bars.append(stack.enter_context(self.progress(what, total)))
                bars[0].reach(done, note)

            yield reached


class Bar:
    """One running progress bar."""

    def __init__(self, progress: Progress, task: Any) -> None:
        self._progress, self._task = progress, task

    def reach(self, done: float, note: str) -> None:
        """Be so far, with a remark beside the bar."""
        self._progress.update(self._task, completed=done, note=note)

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
