"""Sums of parts merge into those of the whole, in any split and order, on any array namespace."""

from itertools import pairwise

import array_api_strict
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actstore.errors import RequestError, WorkError
from analyses.similarity.cka import debiased_cka
from analyses.similarity.device import to_host
from analyses.statistics.grid import GridSums, from_stored, to_stored
from analyses.statistics.prepared import Form, pivot_of
from analyses.statistics.rows import numbered
from tests.support.sums import moments

FORMS = [Form(), Form(unit=True), Form(exact=True), Form(norms=True)]
WIDTHS = (4, 3, 5)
CELLS = [(0, 1), (2, 1), (0, 2)]
NAMES = [numbered(f"side {side}") for side in range(3)]


def sides(seed: int, n: int, mean: float = 0.0) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return [rng.standard_normal((n, width)) + mean for width in WIDTHS]


def summed(values: list[np.ndarray], form: Form, bounds: list[int] | None = None) -> list[GridSums]:
    """Sums of stretches of rows, all about the pivots of the whole."""
    pivots = [pivot_of(value, form, name) for value, name in zip(values, NAMES, strict=True)]
    parts = []
    for first, end in pairwise(bounds or [0, len(values[0])]):
        part = GridSums(pivots, CELLS, form)
        if end > first:
            part.add([value[first:end, :] for value in values], NAMES)
            parts.append(part)
    return parts


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("mean", [0.0, 5.0, -300.0])
def test_moments_are_the_centred_products(form, mean):
    values = sides(0, 700, mean)
    (got,) = summed(values, form)
    rows = [value / np.linalg.norm(value, axis=1, keepdims=True) for value in values] if form.unit else values
    centred = [value - value.mean(0) for value in rows]
    for a, b in [*CELLS, (1, 1)]:
        found = got.cross(a, b)
        assert found.n == 700
        scale = np.abs(centred[a].T @ centred[b]).max()
        np.testing.assert_allclose(found.cross_DE, centred[a].T @ centred[b], rtol=0, atol=1e-11 * scale)
        np.testing.assert_allclose(found.mean_x_D, rows[a].mean(0), rtol=1e-12)
        np.testing.assert_allclose(found.mean_y_E, rows[b].mean(0), rtol=1e-12)


@pytest.mark.parametrize("mean", [0.0, 40.0])
def test_norm_sums_are_those_about_the_means(mean):
    values = sides(0, 700, mean)
    found = summed(values, Form(norms=True))[0].norm_moments(2, 1)
    square = [((value - value.mean(0)) ** 2).sum(1) for value in values]
    assert found.joint_xy == pytest.approx(square[2] @ square[1], rel=1e-12)
    assert found.joint_xx == pytest.approx(square[2] @ square[2], rel=1e-12)
    assert found.joint_yy == pytest.approx(square[1] @ square[1], rel=1e-12)


@given(
    seed=st.integers(0, 10_000),
    cuts=st.lists(st.integers(0, 60), max_size=6),
    order=st.randoms(use_true_random=False),
    mean=st.sampled_from([0.0, 5.0, -300.0]),
    form=st.sampled_from(FORMS),
)
def test_any_split_in_any_order_gives_the_same(seed, cuts, order, mean, form):
    values = sides(seed, 60, mean)
    parts = summed(values, form, [0, *sorted(cuts), 60])
    stored = [to_stored(part, np.asarray) for part in parts]
    order.shuffle(stored)
    while len(stored) > 2:
        at = order.randrange(len(stored) - 1)
        stored[at : at + 2] = [to_stored(from_stored(stored[at : at + 2], CELLS, form), np.asarray)]
    got, whole = from_stored(stored, CELLS, form), summed(values, form)[0]
    for cell in CELLS:
        a, b = got.cross(*cell), whole.cross(*cell)
        assert a.n == b.n == 60
        scale = np.abs(b.cross_DE).max()
        np.testing.assert_allclose(a.cross_DE, b.cross_DE, rtol=0, atol=1e-10 * scale)
        np.testing.assert_allclose(a.mean_x_D, b.mean_x_D, rtol=1e-10, atol=1e-12)
        if form.norms:
            values_of = [debiased_cka(sums.norm_moments(*cell)) for sums in (got, whole)]
            assert values_of[0] == pytest.approx(values_of[1], abs=1e-10)


def test_float32_parts_of_whole_steps_agree_to_float64():
    values = [value.astype(np.float32) for value in sides(3, 1200, 10.0)]
    steps = [0, 300, 600, 900, 1200]
    whole = GridSums(summed(values, Form(unit=True))[0].pivots, CELLS, Form(unit=True))
    for first, end in pairwise(steps):
        whole.add([value[first:end] for value in values], NAMES)
    parts = summed(values, Form(unit=True), steps)
    merged = from_stored([to_stored(part, np.asarray) for part in reversed(parts)], CELLS, Form(unit=True))
    for cell in CELLS:
        a, b = merged.cross(*cell), whole.cross(*cell)
        np.testing.assert_allclose(a.cross_DE, b.cross_DE, rtol=1e-10, atol=1e-12)


def test_float32_rows_differ_from_float64_by_rounding_alone():
    values = sides(1, 900, 10.0)
    rough = summed([value.astype(np.float32) for value in values], Form())[0]
    exact = summed([value.astype(np.float32).astype(np.float64) for value in values], Form())[0]
    for cell in CELLS:
        scale = np.abs(exact.cross(*cell).cross_DE).max()
        np.testing.assert_allclose(
            rough.cross(*cell).cross_DE, exact.cross(*cell).cross_DE, atol=2e-6 * scale
        )


@pytest.mark.parametrize("form", FORMS)
def test_weights_are_copies_of_rows(form):
    values = sides(5, 80, 2.0)
    weight_T = np.random.default_rng(0).integers(0, 4, 80)
    copied = [np.repeat(value, weight_T, axis=0) for value in values]
    pivots = summed(values, form)[0].pivots
    weighted, whole = (GridSums(pivots, CELLS, form) for _ in range(2))
    weighted.add_prepared(prepared_all(values, weighted), weight_T.astype(float))
    whole.add(copied, NAMES)
    for cell in CELLS:
        a, b = weighted.cross(*cell), whole.cross(*cell)
        assert a.n == b.n == weight_T.sum()
        np.testing.assert_allclose(a.cross_DE, b.cross_DE, atol=1e-10)
        if form.norms:
            assert weighted.norm_moments(*cell).joint_xy == pytest.approx(whole.norm_moments(*cell).joint_xy)


def prepared_all(values: list[np.ndarray], sums: GridSums) -> list:
    from analyses.statistics.prepared import prepared

    return [prepared(*item, sums.form, name) for *item, name in zip(values, sums.pivots, NAMES, strict=True)]


def test_no_argument_is_edited():
    values = sides(0, 600)
    before = [value.copy() for value in values]
    for form in FORMS:
        summed(values, form)
    for value, old in zip(values, before, strict=True):
        np.testing.assert_array_equal(value, old)


@pytest.mark.parametrize("form", FORMS)
def test_strict_arrays_on_another_device_give_the_same(form):
    values = [value.astype(np.float32) for value in sides(0, 700, 3.0)]
    device = array_api_strict.Device("device1")
    there = [array_api_strict.asarray(value, device=device) for value in values]
    pivots = [pivot_of(value, form, name) for value, name in zip(there, NAMES, strict=True)]
    got = GridSums(pivots, CELLS, form)
    got.add([value[:400, :] for value in there], NAMES)
    got.add([value[400:, :] for value in there], NAMES)
    assert all(value.device == device for value in got.arrays.values())
    expected = summed(values, form, [0, 400, 700])
    whole = from_stored([to_stored(part, np.asarray) for part in expected], CELLS, form)
    for cell in CELLS:
        np.testing.assert_allclose(
            to_host(got.cross(*cell).cross_DE), whole.cross(*cell).cross_DE, rtol=1e-5, atol=1e-3
        )


def test_parts_of_different_wholes_do_not_merge():
    parts = [to_stored(summed(sides(seed, 60), Form())[0], np.asarray) for seed in (0, 1)]
    with pytest.raises(RequestError, match="different pivots"):
        from_stored(parts, CELLS, Form())


def test_a_bad_row_is_named_by_its_side():
    values = sides(0, 600)
    values[1][555] = 0.0
    summed(values, Form())
    with pytest.raises(WorkError, match="side 1: row 555 is zero"):
        summed(values, Form(unit=True))
    values[1][555, 2] = np.inf
    for form in FORMS:
        with pytest.raises(WorkError, match="side 1: row 555 is not finite"):
            summed(values, form)


@pytest.mark.parametrize(
    ("x", "y", "named"),
    [
        (np.ones((3, 2)), np.ones((4, 2)), r"\(3, 2\) and \(4, 2\)"),
        (np.ones(3), np.ones(3), r"give \[T, D\]"),
        (np.ones((3, 2), np.float16), np.ones((3, 2), np.float16), "float16"),
        (np.ones((3, 2), np.float32), np.ones((3, 2)), "float32 and float64"),
    ],
)
def test_rows_that_can_not_be_paired_are_refused(x, y, named):
    with pytest.raises(RequestError, match=named):
        moments(x, y)


def test_rows_may_be_added_after_moments_were_taken():
    values = sides(2, 80)
    sums = GridSums(summed(values, Form())[0].pivots, CELLS, Form())
    sums.add([value[:30] for value in values], NAMES)
    sums.moments(0, 1)
    sums.add([value[30:] for value in values], NAMES)
    whole = summed(values, Form())[0].moments(0, 1)
    np.testing.assert_allclose(sums.moments(0, 1).xx.cross_DE, whole.xx.cross_DE, atol=1e-11)
