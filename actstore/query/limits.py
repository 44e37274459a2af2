"""Limits: what one question may cost, and the clock that holds it to that."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import duckdb

from actstore.errors import RequestError


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bounds of one question. On one machine only memory is bounded; a service sets all of them."""

    memory_bytes: int = 2 << 30
    """Of SQL; what is more than this goes to temporary files, or is refused where it can not."""
    seconds: float | None = None
    rows_in_memory: int = 1 << 20
    """Of a selection or an answer to SQL; longer ones lie in a temporary file."""
    rows: int | None = None
    """Of an answer; a larger one is refused, never cut."""


LOCAL = Limits()


@contextmanager
def deadline(connection: duckdb.DuckDBPyConnection, seconds: float | None) -> Iterator[None]:
    """Stop what the connection does after so many seconds. Raises RequestError then."""
    if seconds is None:
        yield
        return
    timer = threading.Timer(seconds, connection.interrupt)
    timer.daemon = True
    timer.start()
    try:
        yield
    except duckdb.InterruptException as error:
        raise RequestError(
            f"the question took longer than {seconds:g} seconds and was stopped; ask for less: a narrower "
            "predicate, fewer corpora, a LIMIT"
        ) from error
    finally:
        timer.cancel()


def check_rows(n_rows: int, limits: Limits) -> None:
    """Raises RequestError for an answer of more rows than allowed."""
    if limits.rows is not None and n_rows > limits.rows:
        raise RequestError(
            f"the answer has more than the {limits.rows:,} rows that are given out at once; ask for less: "
            "a LIMIT, a narrower predicate, fewer checkpoints or layers"
        )
