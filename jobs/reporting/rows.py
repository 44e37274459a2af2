"""append_rows: a study's finished results as rows of CSV files, a file a kind, each row once.

Beside each file lies a JSON with what its `result_id`s stand for: settings, runs, versions. No path of a
machine is in it. A result that was asked for again with more layers or seeds adds what is new alone.
"""

import csv
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from actstore.errors import AccessError, RequestError
from actstore.store.results import ResultWriter
from jobs.reporting.section import points_of
from jobs.reporting.write import Shown

RESULT = "result_id"
KEPT_OUT = frozenset({"task_score"})
"""Kinds that have a file of their own: `report --append`."""
Row = dict[str, str]


def append_rows(shown: Sequence[Shown], study: str, folder: Path) -> dict[Path, int]:
    """Add what STUDY-KIND.csv has not yet; how many rows each file got.

    Raises RequestError for a file of other columns, AccessError where it can not be written.
    """
    by_kind: dict[str, list[Shown]] = {}
    for one in shown:
        if one[0].kind not in KEPT_OUT and one[1].get("rows"):
            by_kind.setdefault(one[0].kind, []).append(one)
    added = {}
    for kind, results in by_kind.items():
        path = folder / f"{study}-{kind}.csv"
        rows = [row for writer, told, _ in results for row in _rows(writer, told)]
        try:
            folder.mkdir(parents=True, exist_ok=True)
            added[path] = _append(path, rows)
            _keep_provenance(path.with_suffix(".json"), [writer for writer, _, _ in results])
        except OSError as error:
            raise AccessError(f"{path} can not be written: {error.strerror}; name another folder") from error
    return added


def _rows(writer: ResultWriter, told: Mapping[str, Any]) -> list[Row]:
    """A result's rows; of an ablation with what each point took and its id."""
    points = points_of(writer)
    found = told["rows"] if points is None else points.to_pylist()
    ids = (writer.provenance() or {}).get("points", {})
    out = []
    for row in found:
        texts = {name: "" if value is None else str(value) for name, value in row.items()}
        if points is not None:
            layers = "none" if row["n_layers"] is None else row["n_layers"]
            texts["point_id"] = ids[f"{layers}-s{row['seed']}"]
        out.append(texts | {RESULT: writer.result_id})
    return out


def _append(path: Path, rows: Sequence[Row]) -> int:
    columns, known = tuple(rows[0]), set()
    if path.exists() and path.stat().st_size:
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file)
            if tuple(reader.fieldnames or ()) != columns:
                raise RequestError(
                    f"{path} has the columns {', '.join(reader.fieldnames or ())}; rows have "
                    f"{', '.join(columns)}: name another folder"
                )
            known = {_identity(row) for row in reader}
    new = [row for row in rows if _identity(row) not in known]
    with path.open("a", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        if file.tell() == 0:
            writer.writeheader()
        writer.writerows(new)
    return len(new)


def _identity(row: Mapping[str, str]) -> tuple[str, ...]:
    """All of a row but the result that it is of."""
    return tuple(value for name, value in row.items() if name != RESULT)


def _keep_provenance(path: Path, writers: Sequence[ResultWriter]) -> None:
    found = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    for writer in writers:
        told = {key: value for key, value in (writer.provenance() or {}).items() if key != "store"}
        found.setdefault(writer.result_id, {"name": writer.name, **told})
    path.write_text(json.dumps(found, indent=1, sort_keys=True) + "\n", encoding="utf-8")
