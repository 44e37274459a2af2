"""Kinds of analyses that installed packages bring, by entry points of the group `actstore.analyses`.

An entry point's name is the kind's, its object an `AnalysisKind`. Nothing is imported before it is asked for.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from pydantic import TypeAdapter, ValidationError

from actstore.errors import RequestError
from actstore.schema.analysis import AnalysisKind

GROUP = "actstore.analyses"


@dataclass(frozen=True, slots=True, kw_only=True)
class Installed:
    """A kind and the package that brings it."""

    name: str
    kind: AnalysisKind
    package: str
    """Its name and version."""


def installed_kinds() -> tuple[str, ...]:
    """Names of the kinds that installed packages bring."""
    return tuple(sorted({found.name for found in entry_points(group=GROUP)}))


def installed_kind(name: str) -> Installed:
    """A kind by name. Raises RequestError where no package brings it, two do, or it can not be loaded."""
    found = {point.value: point for point in entry_points(group=GROUP, name=name)}
    if not found:
        there = ", ".join(installed_kinds()) or "none"
        raise RequestError(f"kind = {name!r} is brought by no installed package; installed are {there}")
    if len(found) > 1:
        raise RequestError(
            f"kind = {name!r} is brought by {len(found)} packages ({', '.join(found)}); keep one"
        )
    point = next(iter(found.values()))
    return Installed(name=name, kind=_loaded(point), package=_package(point))


def read_options(installed: Installed, given: Mapping[str, Any]) -> Any:
    """The options of a study as the kind's dataclass; None where it has none. Raises RequestError."""
    kind = installed.kind
    unknown = [key for key in given if key not in kind.option_names]
    if unknown:
        raise RequestError(
            f"options of kind {installed.name!r} have no key {unknown[0]!r}; "
            f"allowed are {', '.join(kind.option_names) or 'none'}"
        )
    if kind.options is type(None):
        return None
    try:
        return TypeAdapter(kind.options).validate_python(dict(given))
    except ValidationError as error:
        wrong = error.errors(include_url=False)[0]
        key = ".".join(map(str, wrong["loc"]))
        raise RequestError(
            f"options of kind {installed.name!r}: {key} = {wrong['input']!r}: {wrong['msg']}"
        ) from error


def _loaded(point: EntryPoint) -> AnalysisKind:
    try:
        kind = point.load()
    except (ImportError, AttributeError) as error:
        raise RequestError(
            f"kind = {point.name!r}: {point.value} can not be loaded ({error}); install it anew"
        ) from error
    if not isinstance(kind, AnalysisKind):
        raise RequestError(
            f"kind = {point.name!r}: {point.value} is a {type(kind).__name__}; an entry point of {GROUP} "
            "names an actstore.schema.analysis.AnalysisKind"
        )
    return kind


def _package(point: EntryPoint) -> str:
    return "unknown" if point.dist is None else f"{point.dist.name} {point.dist.version}"
