"""Tables of results: read as written, the newest counts, parts resume, a killed one does not count."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from actstore.schema import tables
from actstore.session import Store
from actstore.store import results
from actstore.store.results import ResultWriter
from tests.support.small_store import SmallStore, prepare


@pytest.fixture
def fresh(tmp_path: Path) -> SmallStore:
    return prepare(tmp_path / "store", n_examples=6)


def rows(store: SmallStore, statement: str) -> list[dict[str, Any]]:
    return Store(store.objects).sql(statement).to_pylist()


SAMPLES: dict[pa.DataType, Callable[[int], Any]] = {
    pa.string(): lambda i: f"word-{i}",
    pa.int32(): lambda i: i,
    pa.int64(): lambda i: 2**40 + i,
    pa.float32(): lambda i: i / 8,
    pa.float64(): lambda i: i / 7,
}


def rows_of_kind(kind: str, n_rows: int, first: int = 0) -> pa.Table:
    """Rows with a different value in every column."""
    schema = tables.RESULTS[kind]
    values = [
        [SAMPLES[field.type](first + i * 100 + c) for i in range(n_rows)] for c, field in enumerate(schema)
    ]
    return pa.table(dict(zip(schema.names, values, strict=True)), schema=schema)


def store_result(store: SmallStore, kind: str, result_id: str, table: pa.Table, **about: str) -> ResultWriter:
    writer = ResultWriter(store.objects, kind, about.pop("name", "figure"), result_id)
    writer.finish(table, {"study": "s", "finished": "2024-01-01T00:00:00Z", **about})
    return writer


@pytest.mark.parametrize("kind", tables.RESULTS)
def test_results_of_every_kind_are_read_as_written(kind: str, fresh: SmallStore) -> None:
    table = rows_of_kind(kind, 3)
    assert Store(fresh.objects).sql(f"SELECT * FROM {kind}").num_rows == 0
    store_result(fresh, kind, "a" * 20, table)
    read = Store(fresh.objects).sql(f"SELECT * FROM {kind}")
    assert read.schema == tables.RESULTS[kind]
    assert read.equals(table)
    empty = set(tables.RESULTS) - {kind}
    assert all(Store(fresh.objects).sql(f"SELECT * FROM {other}").num_rows == 0 for other in empty)


def test_a_result_keeps_to_its_columns(fresh: SmallStore) -> None:
    writer = ResultWriter(fresh.objects, "drift", "moved", "a" * 20)
    with pytest.raises(ValueError, match="schema"):
        writer.finish(rows_of_kind("task_score", 1), {"study": "s"})
    assert writer.find() is None
    assert results.list_results(fresh.objects) == []


def test_a_newer_result_of_the_same_name_replaces_the_older(fresh: SmallStore) -> None:
    old, new, other = (rows_of_kind("similarity", 2, first) for first in (0, 1000, 2000))
    store_result(fresh, "similarity", "b" * 20, old, finished="2024-05-01T10:00:00Z")
    store_result(fresh, "similarity", "a" * 20, new, finished="2024-05-02T09:00:00Z")
    store_result(fresh, "similarity", "c" * 20, other, finished="2024-04-01T00:00:00Z", study="another")
    store_result(fresh, "similarity", "d" * 20, other, finished="2024-03-01T00:00:00Z", name="figure3")
    listed = results.list_results(fresh.objects)
    assert [(row["result_id"][0], row["stale"]) for row in listed] == [
        ("a", False), ("b", True), ("c", False), ("d", False)
    ]  # fmt: skip
    values = {row["name"] for row in rows(fresh, "SELECT name FROM similarity")}
    assert values == {*new["name"].to_pylist(), *other["name"].to_pylist()}
    assert len(rows(fresh, "SELECT * FROM similarity")) == 6


def test_a_result_is_resumed_by_its_parts(fresh: SmallStore) -> None:
    writer = ResultWriter(fresh.objects, "word_probe", "table", "a" * 20)
    first, second = rows_of_kind("word_probe", 1), rows_of_kind("word_probe", 2, 500)
    assert writer.done_units() == set()
    writer.put_part("base-0", first)
    again = ResultWriter(fresh.objects, "word_probe", "table", "a" * 20)
    assert again.done_units() == {"base-0"}
    assert rows(fresh, "SELECT * FROM word_probe") == []
    again.put_part("base-0", second)
    assert again.read_parts(["base-0"]).equals(first)
    again.put_part("base-1", second)
    whole = again.read_parts(["base-1", "base-0"])
    assert whole.equals(pa.concat_tables([second, first]))
    assert again.find() is None
    again.finish(whole, {"study": "s", "finished": "2024"})
    found = writer.find()
    assert found is not None
    assert found[0].equals(whole)
    assert found[1]["study"] == "s"
    assert rows(fresh, "SELECT * FROM word_probe") == whole.to_pylist()


def test_a_result_of_a_killed_analysis_does_not_count(fresh: SmallStore) -> None:
    writer = store_result(fresh, "ablation", "a" * 20, rows_of_kind("ablation", 1))
    figure = Path(writer.put_file("figure.svg", b"<svg/>"))
    assert figure.read_bytes() == b"<svg/>"
    fresh.objects.delete(writer.key("provenance.json"))
    assert rows(fresh, "SELECT * FROM ablation") == []
    assert writer.find() is None
