"""Constraints for pip: the oldest version of all that users install, from the bounds in pyproject.toml.

    python tests/oldest/bounds.py [NAME==VERSION...] > constraints.txt

Bounds of tools that only developers install are no promise and are left open. What is given replaces a bound.
"""

import re
import sys
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

PYPROJECT = Path(__file__).parents[2] / "pyproject.toml"
USERS = ("topology", "datasets", "xarray", "serve", "replicas")
"""Extras that a user installs on a CPU."""
BOUND = re.compile(r"(?P<name>[A-Za-z0-9._-]+)(\[[^\]]*\])?>=(?P<version>[0-9.]+)")


def oldest(project: Mapping[str, Any], given: Iterable[str] = ()) -> list[str]:
    """`name==version` of each lower bound, by name. Raises ValueError for a requirement without one."""
    extras = project["optional-dependencies"]
    wanted = [*project["dependencies"], *(item for extra in USERS for item in extras[extra])]
    found = {}
    for item in wanted:
        bound = BOUND.match(item)
        if bound is not None:
            found[bound["name"]] = bound["version"]
        elif not item.startswith(f"{project['name']}["):
            raise ValueError(f"{item} has no lower bound; write it as name>=version")
    found |= dict(item.split("==") for item in given)
    return [f"{name}=={version}" for name, version in sorted(found.items())]


if __name__ == "__main__":
    print("\n".join(oldest(tomllib.loads(PYPROJECT.read_text())["project"], sys.argv[1:])))
