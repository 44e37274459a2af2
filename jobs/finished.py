"""FinishedTables: a finished result whose tables and figures are shown, whatever computed it."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import PurePosixPath
from typing import Any

import pyarrow as pa

from analyses.report import TextTable
from jobs.console import Console


@dataclass(frozen=True, slots=True, kw_only=True)
class FinishedTables:
    """A finished result and where its files lie; implements FinishedAnalysis."""

    kind: str
    name: str
    result_id: str
    table: pa.Table
    """Of the contract, or its means where it has a row a token."""
    texts: tuple[TextTable, ...]
    """The tables as text."""
    figures: tuple[str, ...]
    markdown: str | None
    """The file of the tables; None for a kind that has none."""
    n_computed: int
    """Units computed now; 0 when all of it was there."""

    def show(self, console: Console) -> None:
        """The tables and the files' names."""
        for text in self.texts:
            console.table(text.headers, text.rows, title=f"{self.kind} {self.name}: {text.title}")
        for figure in file_lines(self.figures):
            console.line(f"figure: {figure}")
        if self.markdown is not None:
            console.line(f"table: {self.markdown}")

    def told(self) -> dict[str, Any]:
        """The result as JSON."""
        return {
            "kind": self.kind,
            "name": self.name,
            "result_id": self.result_id,
            "rows": self.table.to_pylist(),
            "figures": list(self.figures),
            **({} if self.markdown is None else {"markdown": self.markdown}),
            "n_computed": self.n_computed,
        }


def file_lines(files: Sequence[str]) -> list[str]:
    """Files that differ in their suffix alone as one line each: name.{svg,png,html}."""
    stems = groupby(files, key=lambda file: file.removesuffix(PurePosixPath(file).suffix))
    lines = []
    for stem, members in stems:
        suffixes = [PurePosixPath(file).suffix.removeprefix(".") for file in members]
        lines.append(f"{stem}.{{{','.join(suffixes)}}}" if len(suffixes) > 1 else f"{stem}.{suffixes[0]}")
    return lines
