"""Lock: a DuckDB connection that can read the files it was given and nothing else, and can not be unlocked.

Whoever may ask questions writes SQL, and DuckDB's SQL can read any file, the network, and Python's variables.
"""

from collections.abc import Sequence

import duckdb

from actstore.query.limits import Limits


def unlocked(limits: Limits, spill_folder: str) -> duckdb.DuckDBPyConnection:
    """A connection within limits on which views can still be made."""
    connection = duckdb.connect(
        config={
            "memory_limit": f"{limits.memory_bytes}B",
            "temp_directory": spill_folder,
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
            "python_enable_replacements": "false",
        }
    )
    connection.execute("SET preserve_insertion_order = true")
    return connection


def lock(connection: duckdb.DuckDBPyConnection, files: Sequence[str]) -> None:
    """From here on only `files` can be read, and no setting changes."""
    listed = ", ".join("'" + file.replace("'", "''") + "'" for file in files)
    connection.execute(f"SET allowed_paths = [{listed}]")
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")
