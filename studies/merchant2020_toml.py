"""table: a table of a study file, as TOML."""

import json
from collections.abc import Mapping
from typing import Any

Keys = Mapping[str, Any]


def table(heading: str, keys: Keys, told: str = "") -> str:
    """A table with its heading, and a comment above it."""
    lines = [f"{key} = {_toml(value)}" for key, value in keys.items()]
    return "\n".join(["", *([f"# {told}."] if told else []), f"[{heading}]", *lines])


def _toml(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.12g}" if "." in f"{value:.12g}" or "e" in f"{value:.12g}" else f"{value:.1f}"
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{key} = {_toml(item)}" for key, item in value.items()) + " }"
    return json.dumps(value)
