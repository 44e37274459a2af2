"""Naming: a refusal that tells of a file only says which part of the study it is about."""

from collections.abc import Callable, Iterable
from typing import Protocol, TypeVar

from actstore.errors import RequestError

T = TypeVar("T")


class Named(Protocol):
    """A table of a study that has a name."""

    @property
    def name(self) -> str: ...


Part = TypeVar("Part", bound=Named)


def by_name(kind: str, parts: Iterable[Part], act: Callable[[Part], T]) -> dict[str, T]:
    """What `act` makes of each, by name; `kind 'name':` is put before a refusal that does not name it."""
    return {part.name: _named(kind, part, act) for part in parts}


def _named(kind: str, part: Part, act: Callable[[Part], T]) -> T:
    try:
        return act(part)
    except RequestError as error:
        if repr(part.name) in str(error):
            raise
        raise type(error)(f"{kind} {part.name!r}: {error}") from error
