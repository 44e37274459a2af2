"""The lists beside this file: which tests have to notice changes of which module, and which nobody can."""

import tomllib
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Module:
    """A module whose changes have to be noticed."""

    file: str
    tests: tuple[str, ...]
    """In this order, as far as the first that fails: the fast and near ones first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Equivalent:
    """A change after which nobody is told, given or left anything else."""

    file: str
    change: str
    reason: str


def modules() -> list[Module]:
    """In the order in which they are run. Raises TypeError for a field that is unknown or missing."""
    given = tomllib.loads((HERE / "modules.toml").read_text())["module"]
    return [Module(**{**each, "tests": tuple(each["tests"])}) for each in given]


def equivalents() -> list[Equivalent]:
    """Raises TypeError for a field that is unknown or missing."""
    given = tomllib.loads((HERE / "equivalent.toml").read_text())["equivalent"]
    return [Equivalent(**each) for each in given]
