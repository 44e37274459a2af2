"""Patience: how long an object store that is away, slow or throttling is waited for, then what is told."""

import logging
import os
import random
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from obstore.exceptions import (
    AlreadyExistsError,
    BaseError,
    GenericError,
    PermissionDeniedError,
    PreconditionError,
    UnauthenticatedError,
)

from actstore.errors import AccessError, RequestError, StorageError

T = TypeVar("T")
VARIABLE = "ACTSTORE_WAIT_SECONDS"
WAIT_SECONDS = 300.0
FIRST_PAUSE_SECONDS = 0.1
LONGEST_PAUSE_SECONDS = 5.0
TOLD_AFTER_SECONDS = 5.0
PASSING = {408, 409, 425, 429}
"""Answers below 500 that may be another one the next time: 409 is a conditional write beside another."""
_STATUS = re.compile(r"status code: (\d{3})")
_LOG = logging.getLogger("actstore")


@dataclass(frozen=True, slots=True)
class Patience:
    """Makes a request again until it is answered, or the limit is over."""

    limit_seconds: float = WAIT_SECONDS

    def ask(self, what: str, request: Callable[[], T]) -> T:
        """The answer to a request that may be made any number of times.

        What tells something of the object goes through: FileNotFoundError, AlreadyExistsError. Raises
        AccessError, RequestError for what no waiting mends, StorageError at the limit.
        """
        begun, pause, told = time.monotonic(), FIRST_PAUSE_SECONDS, False
        while True:
            try:
                return request()
            except (FileNotFoundError, AlreadyExistsError, PreconditionError):
                raise
            except BaseError as error:
                _refuse(what, error)
                waited = time.monotonic() - begun
                if waited >= self.limit_seconds:
                    raise StorageError(
                        f"{what}: the object store did not answer for {waited:.0f} s ({_first(error)}); what "
                        f"is stored stays: run the same command again once it is back ({VARIABLE} sets the "
                        "limit)"
                    ) from error
                if waited > TOLD_AFTER_SECONDS and not told:
                    told = True
                    _LOG.warning(
                        "%s: no answer (%s); waiting up to %.0f s", what, _first(error), self.limit_seconds
                    )
            time.sleep(min(pause * random.uniform(0.5, 1.0), max(0.0, self.limit_seconds - waited)))
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)


def from_environment() -> Patience:
    """The limit that ACTSTORE_WAIT_SECONDS names, in seconds. Raises RequestError."""
    text = os.environ.get(VARIABLE, "")
    try:
        limit = float(text or WAIT_SECONDS)
    except ValueError:
        limit = -1.0
    if not 0 <= limit < float("inf"):
        raise RequestError(f"{VARIABLE}={text!r}: give seconds, such as 300")
    return Patience(limit)


def status(error: BaseException) -> int | None:
    """The HTTP status that an error tells, None where there was no answer."""
    found = _STATUS.search(str(error))
    return int(found[1]) if found else None


def _refuse(what: str, error: BaseError) -> None:
    """Raise for what no waiting mends."""
    code = status(error)
    if code in (401, 403) or isinstance(error, PermissionDeniedError | UnauthenticatedError):
        raise AccessError(
            f"{what}: the object store refuses these credentials ({_first(error)}); set those that may read "
            "and write there, or choose another store"
        ) from error
    answered = code is not None and code < 500 and code not in PASSING
    if answered or not isinstance(error, GenericError) or "builder error" in str(error):
        raise RequestError(f"{what}: the object store refuses this ({_first(error)})") from error


def _first(error: BaseException) -> str:
    """What went wrong, without the URL and the traces."""
    text = str(error).split("Debug source:")[0]
    code = re.search(r"<Code>([^<]*)</Code>", text)
    answer = re.search(r"status code: ([^:<]*)", text)
    if answer:
        return answer[1].strip() + (f", {code[1]}" if code else "")
    return " ".join(text.rpartition(" - ")[2].split()) or type(error).__name__
