"""The gate: so many pieces of work at once, so many open answers, and whoever comes later is told."""

import pytest

from actstore.errors import BusyError
from actstore.serve.gate import Gate


def test_only_so_many_work_at_once() -> None:
    gate = Gate(working=1, open_answers=1, wait_seconds=0.01)
    told = "as many questions at once as it takes"
    with gate.work(), pytest.raises(BusyError, match=told), gate.work():
        pass
    with gate.work():  # the place is free again
        pass


def test_work_that_fails_gives_its_place_back() -> None:
    gate = Gate(working=1, open_answers=1, wait_seconds=0.01)
    for _ in range(3):
        with pytest.raises(ZeroDivisionError), gate.work():
            raise ZeroDivisionError
