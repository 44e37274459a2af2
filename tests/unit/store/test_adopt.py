"""Adopting by itself: which rows are compared, how, and which are taken as they lie."""

import numpy as np
import pytest

from actstore.errors import DamagedShardError
from actstore.store.adopt import adopt_shard, empty_rows
from actstore.store.arrays import ArraySpec, encode_shard

NAN = float("nan")


def array(dtype: object, *unit_shape: int) -> ArraySpec:
    return ArraySpec(
        name="L00",
        n_rows=4,
        shard_rows=4,
        chunk_rows=2,
        unit_shape=unit_shape,
        dtype=np.dtype(dtype),
        codec="none",
    )


def adopt(theirs: list, mine: list, tolerance: float, dtype: object = np.float32) -> np.ndarray:
    there, here = np.array(theirs, dtype=dtype), np.array(mine, dtype=dtype)
    spec = array(dtype, *there.shape[1:])
    data = b"".join(bytes(part) for part in encode_shard(spec, there))
    adopt_shard(spec, data, here, tolerance, "here")
    return here


def test_a_difference_is_relative_to_its_rows_largest_and_may_be_the_tolerance() -> None:
    mine = [[8.0, 0.0], [0.5, 0.25], [1.0, 1.0], [0.0, 0.0]]
    theirs = [[8.0, 1.0], [0.5, 0.25], [1.0, 1.0], [0.0, 0.0]]
    assert adopt(theirs, mine, 0.125).tolist() == theirs
    with pytest.raises(DamagedShardError, match=r"the values computed now by 0\.12, allowed is 0\.12"):
        adopt(theirs, mine, 0.1249)
    small = [[8.0, 0.0], [0.5, 0.5], [1.0, 1.0], [0.0, 0.0]]
    with pytest.raises(DamagedShardError, match=r"by 0\.5"):
        adopt(small, mine, 0.25)


def test_rows_that_one_of_the_two_does_not_hold_are_taken_as_they_lie() -> None:
    mine = [[NAN, NAN], [1.0, 2.0], [3.0, 4.0], [NAN, NAN]]
    theirs = [[5.0, 6.0], [NAN, NAN], [3.0, 4.0], [NAN, NAN]]
    assert np.array_equal(adopt(theirs, mine, 0.0), np.array(theirs, np.float32), equal_nan=True)
    with pytest.raises(DamagedShardError, match="differ"):
        adopt([*theirs[:2], [3.0, 5.0], theirs[3]], mine, 0.1)


def test_a_row_that_one_does_not_hold_hides_no_difference_beside_it() -> None:
    mine = [[NAN, NAN], [1.0, 2.0], [3.0, 4.0], [3.0, 4.0]]
    with pytest.raises(DamagedShardError, match="differ"):
        adopt([[5.0, 6.0], [1.0, 3.0], [3.0, 4.0], [3.0, 4.0]], mine, 0.1)


def test_rows_of_int8_that_are_zero_are_not_compared() -> None:
    """Zero is what an empty row holds; whether it is empty its scale tells."""
    mine = [[0, 0], [100, 50], [0, 9], [0, 0]]
    theirs = [[7, 0], [0, 0], [0, 9], [0, 0]]
    assert adopt(theirs, mine, 0.0, np.int8).tolist() == theirs
    with pytest.raises(DamagedShardError, match="by 1"):
        adopt([[0, 0], [0, 50], [0, 9], [0, 0]], mine, 0.9, np.int8)


def test_a_row_of_zeros_is_compared_where_it_is_no_emptiness() -> None:
    with pytest.raises(DamagedShardError, match="differ"):
        adopt([[0.0, 0.0]] * 4, [[1.0, 0.0]] * 4, 0.5)


def test_scales_are_compared_one_by_one() -> None:
    assert adopt([1.0, 2.0, NAN, 4.0], [1.0, NAN, 3.0, 4.0], 0.0)[:2].tolist() == [1.0, 2.0]
    with pytest.raises(DamagedShardError, match="differ"):
        adopt([1.0, 2.0, 3.0, 4.0], [1.0, 2.0, 3.0, 8.0], 0.1)


def test_a_rows_first_value_tells_whether_it_is_there() -> None:
    values = np.array([[NAN], [1.0], [NAN]], np.float32)
    assert empty_rows(values).tolist() == [True, False, True]
    assert empty_rows(values[:, 0]).tolist() == [True, False, True]
    assert not empty_rows(np.zeros((3, 2), np.int8)).any()
