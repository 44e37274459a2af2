"""How an exception becomes data: the one place that catches every failure of a unit."""

import traceback
from collections.abc import Callable
from typing import TypeVar

from actstore.errors import RequestError
from actstore.schema.ports import Failure

Result = TypeVar("Result")
DETAILS_CHARACTERS = 20_000
"""A traceback longer than this loses its beginning, so that failures stay small to send."""


def attempt(call: Callable[[], Result]) -> Result | Failure:
    """The result of a call, or why it failed.

    Here and nowhere else every exception is caught: one bad unit must not take the others with it, whatever
    its library raises. The failure is returned with its traceback and decides the exit code, so nothing is
    swallowed. KeyboardInterrupt and SystemExit go through.
    """
    try:
        return call()
    except Exception as error:  # noqa: BLE001
        return failure_of(error)


def failure_of(error: BaseException) -> Failure:
    """An exception as data, without the object, which may not unpickle elsewhere."""
    return Failure(
        kind=type(error).__name__,
        message=str(error) or type(error).__name__,
        request_error=isinstance(error, RequestError),
        details="".join(traceback.format_exception(error))[-DETAILS_CHARACTERS:],
    )
