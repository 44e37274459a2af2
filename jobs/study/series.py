"""Series: one [[checkpoint]] with a list of steps, seeds or replicates becomes one checkpoint for each."""

import re
from collections.abc import Iterator
from itertools import product
from typing import Any

from jobs.study.tables import Table, label

SERIES_KEYS = ("step", "seed", "replicate")
PLACEHOLDER = re.compile(r"(?<!\$)\{([A-Za-z_]+)\}")


def expand_series(checkpoints: list[Table], problems: list[str]) -> list[Table]:
    """The checkpoints with each `{step}`, `{seed}` and `{replicate}` filled in.

    Several lists multiply, the first slowest. Checkpoints of a list of seeds are replicates.
    """
    return [one for block in checkpoints for one in _expand(block, problems)]


def _expand(block: Table, problems: list[str]) -> Iterator[Table]:
    lists = {key: value for key, value in block.items() if key in SERIES_KEYS and isinstance(value, list)}
    before = len(problems)
    problems.extend(_problems(block, lists))
    if len(problems) > before:
        # a stand-in, so that the other keys of the block are checked too
        yield block | {key: values[0] if values else 0 for key, values in lists.items()}
        return
    for values in product(*lists.values()):
        filled = block | dict(zip(lists, values, strict=True))
        if "seed" in lists:
            filled.setdefault("replicate", filled["seed"])
        yield {key: _fill(value, filled) for key, value in filled.items()}


def _problems(block: Table, lists: dict[str, list[Any]]) -> Iterator[str]:
    where, name = label("checkpoint", block), str(block.get("name", ""))
    for key, values in lists.items():
        if not values or not all(type(value) is int for value in values):
            yield f"{where}: {key} = {values}; a series is a list of whole numbers, at least one"
        if f"{{{key}}}" not in name:
            yield f'{where}: {key} is a list, so the name needs {{{key}}}, such as "{name}-{{{key}}}"'
    used = {
        found for value in block.values() if isinstance(value, str) for found in PLACEHOLDER.findall(value)
    }
    for key in sorted(used):
        if key not in SERIES_KEYS or key not in block:
            yield (
                f"{where}: {{{key}}} stands for nothing; allowed are "
                f"{', '.join(f'{{{name}}}' for name in SERIES_KEYS)} with the key of that name beside it"
            )


def _fill(value: Any, filled: Table) -> Any:
    return PLACEHOLDER.sub(lambda found: str(filled[found[1]]), value) if isinstance(value, str) else value
