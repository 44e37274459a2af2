"""Tables of a study file before they are typed, and how messages name them and help with them."""

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any

Table = dict[str, Any]


def is_table_list(value: Any) -> bool:
    """Whether a value is what `[[key]]` gives."""
    return isinstance(value, list) and bool(value) and all(isinstance(item, dict) for item in value)


def blocks(document: Table, key: str) -> list[Table]:
    """The tables `[[key]]`; none where there are none."""
    found: list[Table] = document.get(key, [])
    return found


def label(key: str, block: Table, index: int | None = None) -> str:
    """How a message calls a table: `[[corpus]] "wiki"`."""
    name = block.get("name")
    number = "" if index is None else f" number {index + 1}"
    return f'[[{key}]] "{name}"' if isinstance(name, str) else f"[[{key}]]{number}"


def hint(given: object, allowed: Iterable[str]) -> str:
    """`did you mean "dtype"? Allowed are dtype, sites`; only what is allowed where nothing is close."""
    names = list(dict.fromkeys(allowed))
    close = get_close_matches(given, names, n=1) if isinstance(given, str) else []
    listed = ", ".join(names) or "none, as the study has none"
    return f'did you mean "{close[0]}"? Allowed are {listed}' if close else f"allowed are {listed}"
