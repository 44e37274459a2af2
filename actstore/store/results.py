"""Results: parts that make an analysis resumable, one table, its provenance and figures."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from actstore.schema.tables import RESULTS
from actstore.store import paths
from actstore.store.objects import Objects
from actstore.store.parquet import create_table, read_table, staged_table, table_batches
from actstore.store.records import create_record, find_record


class ResultWriter:
    """One result: (kind, name, id). A part is the receipt of its unit; the provenance is written last."""

    def __init__(self, objects: Objects, kind: str, name: str, result_id: str) -> None:
        self.objects, self.kind, self.name, self.result_id = objects, kind, name, result_id

    def key(self, part: str) -> str:
        return paths.result(self.kind, self.name, self.result_id, part)

    def done_units(self) -> set[str]:
        """Units that have a part."""
        names = self.objects.children(self.key("parts"))
        return {name.removesuffix(".parquet") for name in names if name.endswith(".parquet")}

    def put_part(self, unit: str, table: pa.Table) -> None:
        """Store the rows of one unit; a part that is there stays."""
        create_table(self.objects, self.key(f"parts/{unit}.parquet"), table)

    def read_parts(self, units: list[str], schema: pa.Schema | None = None) -> pa.Table:
        """The rows of the given units, in order; `schema`: of parts with more columns than the table."""
        schema = schema or RESULTS[self.kind]
        parts = [read_table(self.objects, self.key(f"parts/{unit}.parquet")) for unit in units]
        return pa.concat_tables([schema.empty_table(), *(part.cast(schema) for part in parts)])

    def finish(self, table: pa.Table, provenance: dict[str, Any]) -> None:
        """Store the table and, last, its provenance: from now on the result is there."""
        schema = RESULTS[self.kind]
        kept = table.select([name for name in schema.names if name in table.column_names])
        create_table(self.objects, self.key("table.parquet"), kept.cast(schema))
        create_record(self.objects, self.key("provenance.json"), provenance)

    def join_parts(self, units: list[str]) -> None:
        """Make the table from the parts of the units, in order, a part at a time: it may be of any size."""
        schema = RESULTS[self.kind]
        with staged_table(self.objects, self.key("table.parquet"), schema) as writer:
            for unit in units:
                writer.write_table(read_table(self.objects, self.key(f"parts/{unit}.parquet")).cast(schema))

    def drop_parts(self) -> None:
        """Remove all parts: the table that was joined from them is sealed and has their rows."""
        for unit in self.done_units():
            self.objects.delete(self.key(f"parts/{unit}.parquet"))

    def batches(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Columns of the table, batch by batch in its order."""
        return table_batches(self.objects, self.key("table.parquet"), columns)

    def seal(self, provenance: dict[str, Any]) -> None:
        """Store the provenance: from now on the result is there, and its table with it."""
        create_record(self.objects, self.key("provenance.json"), provenance)

    def put_file(self, part: str, data: bytes) -> str:
        """Store a figure or the like; returns where it lies."""
        self.objects.create(self.key(part), [data])
        path: Path | None = self.objects.local_path(self.key(part))
        return str(path) if path is not None else f"{self.objects.url}/{self.key(part)}"

    def put_table(self, part: str, table: pa.Table) -> None:
        """Store a table beside the result."""
        create_table(self.objects, self.key(part), table)

    def ask_again(self, when: str) -> None:
        """Note that a finished result is what its study asks for now (again); `when` is an ISO time."""
        create_record(self.objects, self.key(f"asked/{when}.json"), {"asked": when})

    def read_table(self, part: str) -> pa.Table:
        """A table that was stored beside the result. Raises FileNotFoundError."""
        return read_table(self.objects, self.key(part))

    def provenance(self) -> dict[str, Any] | None:
        """The provenance of a finished result, None when it is not finished."""
        return find_record(self.objects, self.key("provenance.json"))

    def find(self) -> tuple[pa.Table, dict[str, Any]] | None:
        """Table and provenance of a finished result, None when it is not finished."""
        provenance = self.provenance()
        if provenance is None:
            return None
        return read_table(self.objects, self.key("table.parquet")), provenance


def list_results(objects: Objects) -> list[dict[str, Any]]:
    """Every finished result, last asked for first: kind, name, result_id, study, finished, asked, stale;
    and of an analysis of another package `of`, its kind, and `about`, what it says of itself.

    A result is stale when its study asked for another one of the same kind and name after it.
    """
    found = [
        {
            "kind": kind,
            "name": name,
            "result_id": result_id,
            **_about(provenance),
            "asked": _asked(objects, kind, name, result_id) or str(provenance.get("finished", "")),
        }
        for kind in objects.children(paths.RESULTS)
        for name in objects.children(f"{paths.RESULTS}/{kind}")
        for result_id in objects.children(f"{paths.RESULTS}/{kind}/{name}")
        if (provenance := find_record(objects, paths.result(kind, name, result_id, "provenance.json")))
    ]
    found.sort(key=lambda row: row["asked"], reverse=True)
    seen: set[tuple[str, str, str]] = set()
    out = []
    for row in found:
        place = (row["study"], row["kind"], row["name"])
        out.append({**row, "stale": place in seen})
        seen.add(place)
    return out


def fresh_tables(objects: Objects) -> dict[str, list[str]]:
    """Keys of the tables of results that are not stale, by kind, last asked for first."""
    keys: dict[str, list[str]] = {}
    for row in list_results(objects):
        if not row["stale"]:
            key = paths.result(row["kind"], row["name"], row["result_id"], "table.parquet")
            keys.setdefault(row["kind"], []).append(key)
    return keys


def _asked(objects: Objects, kind: str, name: str, result_id: str) -> str:
    """When a result was last asked for again, empty where it never was."""
    notes = objects.children(paths.result(kind, name, result_id, "asked"))
    return notes[-1].removesuffix(".json") if notes else ""


def _about(provenance: dict[str, Any]) -> dict[str, Any]:
    about = {key: str(provenance.get(key, "")) for key in ("study", "finished", "about")}
    return {**about, "of": str(provenance.get("extension", {}).get("kind", ""))}
