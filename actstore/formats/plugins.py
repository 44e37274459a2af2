"""Plugins: corpus formats that other packages bring, by entry points of the group `actstore.formats`.

An entry point's name is the format's, its object a function `(ReadOptions, Tally) -> generator of Example`,
like the readers of this folder. Names of our own formats stay ours.
Nothing is imported before it is asked for.
"""

from collections.abc import Callable, Generator
from importlib.metadata import EntryPoint, entry_points

from actstore.errors import CorpusError
from actstore.formats.options import ReadOptions
from actstore.formats.report import Tally
from actstore.schema.text import Example

GROUP = "actstore.formats"
Reader = Callable[[ReadOptions, Tally], Generator[Example, None, None]]


def plugin_formats() -> tuple[str, ...]:
    """Names of the formats that installed packages bring."""
    return tuple(sorted({found.name for found in entry_points(group=GROUP)}))


def plugin_reader(name: str) -> Reader:
    """The reader of a format. Raises CorpusError where its package can not be imported, or two bring it."""
    found = {point.value: point for point in entry_points(group=GROUP, name=name)}
    if len(found) != 1:
        raise CorpusError(
            f"format = {name!r} is brought by {len(found)} packages ({', '.join(found)}); keep one"
        )
    return _loaded(next(iter(found.values())))


def _loaded(point: EntryPoint) -> Reader:
    try:
        reader: Reader = point.load()
    except (ImportError, AttributeError) as error:
        raise CorpusError(
            f"format = {point.name!r}: {point.value} can not be loaded ({error}); install it anew"
        ) from error
    return reader
