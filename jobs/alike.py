"""Alike: what is the same of many things is said once, with the first names."""

from collections.abc import Iterable, Sequence

NAMES = 3
"""As many are named; the rest are counted."""


def said_once(pairs: Iterable[tuple[str, str]], several: str) -> list[str]:
    """A line for each text, in order of appearance, with the name or names it is said of.

    `several`: the word for more than one of what is named. A name that begins with the word for one loses it.
    """
    names: dict[str, list[str]] = {}
    for name, text in pairs:
        names.setdefault(text, []).append(name)
    return [f"{_named(found, several)}: {text}" for text, found in names.items()]


def rows_once(rows: Sequence[Sequence[str]], several: str, most: int) -> list[Sequence[str]]:
    """More than `most` rows of a table with those that differ by their first cell alone as one, in order."""
    if len(rows) <= most:
        return list(rows)
    names: dict[tuple[str, ...], list[str]] = {}
    for first, *rest in rows:
        names.setdefault(tuple(rest), []).append(first)
    return [(_named(found, several), *rest) for rest, found in names.items()]


def split(line: str) -> tuple[str, str]:
    """A line as the name that it begins with and what it says."""
    name, _, text = line.partition(": ")
    return name, text


def _named(names: list[str], several: str) -> str:
    if len(names) == 1:
        return names[0]
    first = [name.removeprefix(f"{several.removesuffix('s')} ") for name in names[:NAMES]]
    more = ", ..." if len(names) > NAMES else ""
    return f"{len(names):,} {several} ({', '.join(first)}{more})"
