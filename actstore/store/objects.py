"""Objects: named bytes below a root, created once and never replaced. The seam for object stores."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

Buffer = bytes | memoryview


@dataclass(frozen=True, slots=True)
class ObjectInfo:
    """One listed object."""

    key: str
    bytes: int
    modified_seconds: float
    """Unix time of the last change."""
    tag: str
    """Another one whenever another object of that name was made: what the place itself says of its bytes."""


class Readable(Protocol):
    """What reading a shard takes."""

    @property
    def url(self) -> str: ...

    def size(self, key: str) -> int | None: ...

    def read_range(self, key: str, start: int, length: int) -> bytes: ...

    def read_into(self, key: str, start: int, buffers: Sequence[memoryview]) -> int: ...

    def local_path(self, key: str) -> Path | None: ...


class Objects(Protocol):
    """What the store asks of a place. Keys use '/'; a missing key raises FileNotFoundError."""

    @property
    def url(self) -> str: ...

    def create(self, key: str, parts: Sequence[Buffer]) -> bool:
        """Make the object durable with these bytes; False, and its bytes unchanged, when the key exists.

        In either case what lies there afterwards is durable.
        """
        ...

    def create_from_file(self, key: str, path: Path) -> bool:
        """As `create`, from a file of `staging`; the file is used up."""
        ...

    def staging(self) -> Path:
        """A new path for a file that is being made, to be given to `create_from_file`.

        Raises AccessError where nothing can be written.
        """
        ...

    def read(self, key: str) -> bytes: ...

    def read_range(self, key: str, start: int, length: int) -> bytes: ...

    def read_into(self, key: str, start: int, buffers: Sequence[memoryview]) -> int:
        """Fill buffers of bytes, one after the other, from `start` on; returns the bytes read.

        Fewer than asked only where the object ends.
        """
        ...

    def size(self, key: str) -> int | None:
        """Bytes of an object, None when there is none."""
        ...

    def children(self, prefix: str) -> list[str]:
        """Names directly below a prefix, sorted; empty when there are none."""
        ...

    def walk(self, prefix: str) -> Iterator[ObjectInfo]:
        """Every object below a prefix."""
        ...

    def delete(self, key: str) -> None:
        """Remove an object if it is there. Only repair, rm and gc call this."""
        ...

    def local_path(self, key: str) -> Path | None:
        """A file that can be mapped, None where the place is not a folder."""
        ...
