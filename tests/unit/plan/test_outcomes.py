"""Exceptions as data."""

import pytest

from actstore.errors import ModelError, StorageError
from actstore.plan.outcomes import DETAILS_CHARACTERS, attempt, failure_of
from actstore.schema.ports import Failure


def test_a_result_goes_through() -> None:
    assert attempt(lambda: 3) == 3


@pytest.mark.parametrize(
    ("error", "request_error"),
    [
        (ModelError("no such family"), True),
        (StorageError("disk full"), False),
        (ZeroDivisionError("x"), False),
    ],
)
def test_a_failure_keeps_kind_message_and_traceback(error: Exception, request_error: bool) -> None:
    def fail() -> None:
        raise error

    failure = attempt(fail)
    assert isinstance(failure, Failure)
    assert (failure.kind, failure.message) == (type(error).__name__, str(error))
    assert failure.request_error is request_error
    assert "in fail" in failure.details


def test_an_exception_without_text_is_named() -> None:
    assert failure_of(MemoryError()).message == "MemoryError"


def test_details_stay_small() -> None:
    assert len(failure_of(ValueError("x" * 10**6)).details) == DETAILS_CHARACTERS


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_being_told_to_stop_is_no_failure(error: type[BaseException]) -> None:
    def stop() -> None:
        raise error

    with pytest.raises(error):
        attempt(stop)
