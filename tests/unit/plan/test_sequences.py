"""The index of sequences against what is read off its table by hand."""

import numpy as np
import pyarrow as pa

from actstore.plan.sequences import SequenceIndex
from actstore.schema.tokens import SEQUENCES

ROWS = [(0, 0, 0, 3), (0, 1, 3, 2), (2, 0, 8, 5), (5, 0, 16, 1)]
"""(example, window, first_row, n_tokens): an example of two windows, gaps in examples and in rows."""


def index(rows: list[tuple[int, int, int, int]] = ROWS) -> SequenceIndex:
    names = ("example", "window", "first_row", "n_tokens")
    made = [dict(zip(names, row, strict=True)) | {"truncated": False} for row in rows]
    return SequenceIndex.from_table(pa.Table.from_pylist(made, schema=SEQUENCES))


def test_each_column_is_its_own() -> None:
    made = index()
    columns = (made.example_S, made.window_S, made.first_row_S, made.n_tokens_S)
    assert list(zip(*(column.tolist() for column in columns), strict=True)) == ROWS
    assert {column.dtype for column in columns} == {np.dtype(np.int64)}
    assert len(made) == 4


def test_examples_are_counted_to_the_last_that_has_a_sequence() -> None:
    assert index().n_examples == 6
    assert index([]).n_examples == 0


def test_examples_begin_where_their_first_window_does() -> None:
    example_N, begin_N1 = index().by_example()
    assert example_N.tolist() == [0, 2, 5]
    assert begin_N1.tolist() == [0, 5, 10, 11]
    assert begin_N1.dtype == np.int64


def test_rows_are_those_used() -> None:
    assert index().rows().tolist() == [0, 1, 2, 3, 4, 8, 9, 10, 11, 12, 16]
    assert index([]).rows().tolist() == []


def test_ranges_end_before_their_end() -> None:
    assert index().within_rows(3, 16).first_row_S.tolist() == [3, 8]
    assert index().of_examples(0, 2).example_S.tolist() == [0, 0]
    assert index().without({0, 5}).example_S.tolist() == [2]
    assert len(index().without(set())) == 4
