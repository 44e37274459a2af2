"""The lists of guards beside this file: what protects something, and the tests that fail without it."""

import tomllib
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """One place in the code, what it is replaced by, and who has to notice."""

    area: str
    name: str
    protects: str
    """A sentence: what happens to a user where the guard is not there."""
    file: str
    guard: str
    """The exact text, which is once in the file."""
    without: str
    """What stands there instead: code that runs, without the protection."""
    tests: tuple[str, ...]
    """Ids of tests, of which each fails."""


def areas() -> list[str]:
    """Names of the lists."""
    return sorted(path.stem for path in HERE.glob("*.toml"))


def guards(area: str) -> list[Guard]:
    """The guards of one list. Raises TypeError for a field that is unknown or missing."""
    given = tomllib.loads((HERE / f"{area}.toml").read_text())["guard"]
    return [Guard(**{**each, "area": area, "tests": tuple(each["tests"])}) for each in given]
