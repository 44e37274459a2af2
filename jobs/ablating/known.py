"""known_points: points that another finished ablation of the store has trained already."""

from collections.abc import Collection

import pyarrow as pa

from actstore.store import paths
from actstore.store.objects import Objects
from actstore.store.parquet import read_table
from actstore.store.records import find_record

KIND = "ablation"


def known_points(objects: Objects, wanted: Collection[str]) -> dict[str, pa.Table]:
    """Rows of points by their id, of those wanted, whatever result they are of."""
    found: dict[str, pa.Table] = {}
    for name in objects.children(f"{paths.RESULTS}/{KIND}"):
        for result_id in objects.children(f"{paths.RESULTS}/{KIND}/{name}"):
            provenance = find_record(objects, paths.result(KIND, name, result_id, "provenance.json"))
            for unit, point_id in (provenance or {}).get("points", {}).items():
                if point_id in wanted and point_id not in found:
                    part = paths.result(KIND, name, result_id, f"parts/{unit}.parquet")
                    found[point_id] = read_table(objects, part)
    return found


def renamed(rows: pa.Table, name: str) -> pa.Table:
    """Rows of a point under another result's name."""
    column = pa.array([name] * len(rows), pa.string())
    return rows.set_column(rows.column_names.index("name"), "name", column)
