"""Forms of an answer: an Arrow stream of any length, or JSON of a bounded number of rows."""

import io
import json
import math
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pyarrow as pa
from starlette.responses import Response, StreamingResponse

ARROW = "application/vnd.apache.arrow.stream"
JSON = "application/json"
JSON_ROWS = 1000


def respond(answer: pa.RecordBatchReader, accept: str | None, default: str) -> Response:
    """The answer in the form that the header Accept names, else in the default one."""
    wanted = [part.partition(";")[0].strip().lower() for part in (accept or "").split(",")]
    form = next((part for part in wanted if part in (ARROW, JSON)), default)
    if form == ARROW:
        return StreamingResponse(arrow_stream(answer), media_type=ARROW)
    return Response(json_rows(answer), media_type=JSON)


def arrow_stream(answer: pa.RecordBatchReader) -> Iterator[bytes]:
    """The bytes of an Arrow IPC stream, a batch at a time; letting go of it ends the answer."""
    sink = _Sink()
    try:
        with pa.ipc.new_stream(pa.PythonFile(sink, "w"), answer.schema) as writer:
            for batch in answer:
                writer.write_batch(batch)
                yield sink.take()
        yield sink.take()
    finally:
        answer.close()


def json_rows(answer: pa.RecordBatchReader) -> bytes:
    """`{"rows": [...], "truncated": whether there are more}`; what JSON has no form for is null or text."""
    rows: list[dict[str, Any]] = []
    truncated = False
    for batch in answer:
        rows += batch.slice(0, JSON_ROWS - len(rows)).to_pylist()
        truncated = len(rows) == JSON_ROWS and (truncated or batch.num_rows > 0)
        if len(rows) == JSON_ROWS:
            truncated = batch.num_rows > JSON_ROWS or any(rest.num_rows for rest in answer)
            break
    answer.close()
    told = {"rows": [plain(row) for row in rows], "truncated": truncated}
    return json.dumps(told, ensure_ascii=False, allow_nan=False).encode()


def plain(value: Any) -> Any:
    """A value as JSON has it: not-a-number and infinities as null, dates and bytes as text."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Decimal):
        return plain(float(value))
    if value is None or isinstance(value, str | int | bool):
        return value
    return value.hex() if isinstance(value, bytes) else str(value)


class _Sink(io.RawIOBase):
    """What was written since it was last taken."""

    def __init__(self) -> None:
        self._parts: list[Any] = []

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._parts.append(data)  # bytes, or a part of a batch, which does not change
        return len(data)

    def take(self) -> bytes:
        taken, self._parts = b"".join(self._parts), []
        return taken
