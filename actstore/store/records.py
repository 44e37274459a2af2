"""JSON records: created once, read whole, damaged ones named."""

import json
from typing import Any

from actstore.errors import DamagedShardError
from actstore.store.objects import Objects


def create_record(objects: Objects, key: str, value: dict[str, Any]) -> bool:
    """Create a record; False when there is one already."""
    return objects.create(key, [encode_record(value)])


def encode_record(value: dict[str, Any]) -> bytes:
    """The bytes of a record: sorted keys, so that equal records are equal files."""
    return (json.dumps(value, sort_keys=True, indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode()


def read_record(objects: Objects, key: str) -> dict[str, Any]:
    """Read a record. Raises FileNotFoundError, or DamagedShardError when it is not JSON."""
    data = objects.read(key)
    try:
        value = json.loads(data)
    except ValueError as error:
        raise DamagedShardError(
            f"{objects.url}/{key} is not readable JSON ({len(data)} bytes); run `actstore verify --repair`"
        ) from error
    if not isinstance(value, dict):
        raise DamagedShardError(f"{objects.url}/{key} is not a record; run `actstore verify --repair`")
    return value


def find_record(objects: Objects, key: str) -> dict[str, Any] | None:
    """As `read_record`, None when there is none."""
    try:
        return read_record(objects, key)
    except FileNotFoundError:
        return None
