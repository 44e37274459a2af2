"""`${VAR}` and `${VAR:-default}` in the strings of a study file. Knows no key."""

import re
from collections.abc import Mapping
from typing import Any

VARIABLE = re.compile(r"\$\{(?:([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\})?")
"""A whole `${VAR}`; or, with no group filled, the start of something malformed."""


def substitute(value: Any, env: Mapping[str, str], problems: list[str]) -> Any:
    """The value with each variable of its strings replaced; what can not be is told in `problems`.

    `${VAR:-default}` takes the default where VAR is unset or empty. Values are put in as they are: no
    variable inside them is replaced again.
    """
    if isinstance(value, dict):
        return {key: substitute(item, env, problems) for key, item in value.items()}
    if isinstance(value, list):
        return [substitute(item, env, problems) for item in value]
    if not isinstance(value, str):
        return value

    def one(found: re.Match[str]) -> str:
        name, default = found[1], found[2]
        if name is None:
            problems.append(f'"{value}": a variable is written ${{NAME}} or ${{NAME:-default}}')
            return found[0]
        if default is not None:
            return env.get(name) or default
        if name not in env:
            problems.append(
                f'"{value}": the environment has no {name}; export {name}=..., or write ${{{name}:-default}}'
            )
        return env.get(name, found[0])

    return VARIABLE.sub(one, value)
