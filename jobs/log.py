"""Log: one JSON object a line, with run and shard ids, for whoever gathers logs."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

from actstore.errors import AccessError


class Log:
    """Writes events to a file or nowhere."""

    def __init__(self, file: TextIO | None) -> None:
        self._file = file

    def event(self, event: str, **fields: Any) -> None:
        """One line: time, event, and what is known about it."""
        if self._file is not None:
            record = {
                "time": datetime.now(UTC).isoformat(timespec="milliseconds"), "event": event, **fields
            }  # fmt: skip
            self._file.write(json.dumps(record, ensure_ascii=False, default=str) + "\n")
            self._file.flush()


@contextmanager
def open_log(path: str | None) -> Iterator[Log]:
    """The log that `--log` names: a file that is appended to, '-' for stderr, None for nowhere.

    Raises AccessError for a file that can not be written.
    """
    if path is None or path == "-":
        yield Log(None if path is None else sys.stderr)
        return
    try:
        with Path(path).open("a", encoding="utf-8") as file:
            yield Log(file)
    except OSError as error:
        if error.filename != path:
            raise
        raise AccessError(f"--log {path} can not be written ({error.strerror}); name another file") from error
