"""RTD: the reference implementation's numbers, what leaves it at 0, and what can not be."""

import array_api_strict
import numpy as np
import pytest

from actstore.errors import RequestError, WorkError
from analyses.similarity.topology import cross_barcode, rtd
from analyses.statistics.held import HeldRows
from tests.support import oracles

pytest.importorskip("ripser")


def clouds() -> tuple[np.ndarray, np.ndarray]:
    """Fixture F4 of the reference: two clouds of 1,000 points, 100 of them shuffled to the front."""
    rs = np.random.RandomState(7)
    p, q = rs.rand(1000, 2), rs.rand(1000, 2)
    order = list(range(1000))
    rs.shuffle(order)
    return p[order[:100]], q[order[:100]]


def test_fixture():
    p, q = clouds()
    assert cross_barcode(p, q) == pytest.approx(8.8308597580, abs=1e-5)
    assert cross_barcode(q, p) == pytest.approx(8.9202416204, abs=1e-5)
    assert rtd(HeldRows(x_TD=p, y_TE=q)) == pytest.approx((8.8308597580 + 8.9202416204) / 2, abs=1e-5)


def test_is_its_definition_whatever_the_widths():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((40, 5)) + 3
    y = x[:, :4] + 0.5 * rng.standard_normal((40, 4))
    expected = (oracles.rtd_one_direction(x, y) + oracles.rtd_one_direction(y, x)) / 2
    assert rtd(HeldRows(x_TD=x, y_TE=y)) == pytest.approx(expected, abs=1e-5)


def test_one_shape_has_no_divergence():
    p, _ = clouds()
    assert rtd(HeldRows(x_TD=p, y_TE=p)) == pytest.approx(0.0, abs=1e-6)
    assert rtd(HeldRows(x_TD=p, y_TE=5.0 * p + 9.0)) == pytest.approx(0.0, abs=1e-4)


def test_batches_are_drawn_alike_each_time():
    p, q = clouds()
    few = {"batches": 3, "rows_per_batch": 30}
    assert rtd(HeldRows(x_TD=p, y_TE=q), **few) == rtd(HeldRows(x_TD=p, y_TE=q), **few)


def test_strict_arrays_on_another_device():
    p, q = (value[:40].astype(np.float32) for value in clouds())
    device = array_api_strict.Device("device1")
    there = HeldRows(
        x_TD=array_api_strict.asarray(p, device=device), y_TE=array_api_strict.asarray(q, device=device)
    )
    assert rtd(there) == pytest.approx(rtd(HeldRows(x_TD=p, y_TE=q)), abs=1e-5)


def test_what_can_not_be():
    p, q = clouds()
    with pytest.raises(RequestError, match="rtd of 3 tokens"):
        rtd(HeldRows(x_TD=p[:3], y_TE=q[:3]))
    with pytest.raises(WorkError, match="no shape"):
        rtd(HeldRows(x_TD=p, y_TE=np.ones((100, 2))))
