"""The lock: SQL reads the tables of the store, and no file, network, variable or setting beside."""

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from actstore.errors import RequestError
from actstore.query.limits import LOCAL, Limits
from actstore.query.lock import unlocked
from actstore.query.tables import ask, connect
from actstore.session import Store
from tests.support.small_store import SmallStore, prepare


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> SmallStore:
    """One checkpoint; only read."""
    made = prepare(tmp_path_factory.mktemp("lock") / "store", n_examples=12)
    made.extract()
    return made


@pytest.fixture
def connection(small: SmallStore) -> Iterator[duckdb.DuckDBPyConnection]:
    with connect(small.objects) as opened:
        yield opened


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM '/etc/passwd'",
        "SELECT * FROM read_text('/etc/passwd')",
        "SELECT * FROM glob('/etc/*')",
        "SELECT * FROM sniff_csv('/etc/passwd')",
        "SELECT * FROM read_parquet('http://127.0.0.1:9/a.parquet')",
        "ATTACH '/tmp/other.db'",
        "COPY (SELECT 1) TO '/tmp/copied.csv'",
        "EXPORT DATABASE '/tmp/exported'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "PRAGMA database_list",
        "SET memory_limit = '99GB'",
        "SET enable_external_access = true",
        "SELECT * FROM enable_logging()",
        "CREATE TABLE mine AS SELECT 1",
        "SELECT 1; SELECT 2",
    ],
)
def test_what_is_not_the_store_is_out_of_reach(small: SmallStore, statement: str) -> None:
    with pytest.raises(RequestError, match="SQL"):
        Store(small.objects).sql(statement)


@pytest.mark.parametrize(
    "statement",
    [
        "ATTACH '{folder}/other.db'",
        "COPY (SELECT 1) TO '{folder}/copied.csv'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SET enable_external_access = true",
        "SET lock_configuration = false",
        "SET allowed_paths = ['/etc/passwd']",
    ],
)
def test_the_connection_itself_is_locked(
    connection: duckdb.DuckDBPyConnection, statement: str, tmp_path: Path
) -> None:
    """Whatever gets past the check of statements, the lock holds."""
    with pytest.raises(duckdb.Error, match=r"(?i)permission|cannot|disabled"):
        connection.execute(statement.format(folder=tmp_path))
    assert not list(tmp_path.iterdir())


def test_a_file_of_the_store_that_is_no_table_is_out_of_reach(small: SmallStore) -> None:
    place = small.objects.local_path("actstore.json")
    assert place is not None
    assert place.is_file()
    with pytest.raises(RequestError, match="Cannot access file"):
        Store(small.objects).sql(f"SELECT * FROM read_text('{place}')")


def test_python_variables_are_out_of_reach(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    """Asked from here, where DuckDB would find the variable; before the lock too, which hides it as well."""
    secret = pa.table({"password": ["swordfish"]})
    with pytest.raises(RequestError, match="secret does not exist"):
        ask(connection, "SELECT * FROM secret")
    with unlocked(LOCAL, str(tmp_path)) as open_one:
        for each in (connection, open_one):
            with pytest.raises(duckdb.CatalogException, match="secret does not exist"):
                each.sql("SELECT * FROM secret").fetchall()
    assert secret.num_rows == 1


def test_a_long_question_is_stopped(small: SmallStore) -> None:
    slow = "SELECT count(*) FROM range(1000000) a, range(1000000) b WHERE a.range * b.range % 7 = 1"
    with pytest.raises(RequestError, match=r"longer than 0\.2 seconds"):
        Store(small.objects, Limits(seconds=0.2)).sql(slow)


def test_a_long_answer_is_refused_not_cut(small: SmallStore) -> None:
    store = Store(small.objects, Limits(rows=100))
    assert store.sql("SELECT * FROM range(100)").num_rows == 100
    with pytest.raises(RequestError, match="more than the 100 rows"):
        store.sql("SELECT * FROM range(101)")
    with pytest.raises(RequestError, match="more than the 100 rows"):
        store.query("base", "small")  # 12 examples at every layer


def test_memory_is_bounded(small: SmallStore) -> None:
    store = Store(small.objects, Limits(memory_bytes=32 << 20))
    with pytest.raises(RequestError, match=r"(?i)memory"):
        store.sql("SELECT list(range::VARCHAR || 'some text that takes room') FROM range(5000000)")
