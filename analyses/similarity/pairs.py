"""Which checkpoints of a study are compared with which."""

from collections.abc import Mapping, Sequence
from itertools import combinations

from actstore.errors import RequestError

Pair = tuple[str, str]
"""Checkpoints by name; the first is the one that the second is compared to."""


def resolve_pairs(asked: str | Sequence[Sequence[str]], bases: Mapping[str, str | None]) -> tuple[Pair, ...]:
    """The pairs to compare: 'base' (each checkpoint with its base, the base first), 'all', or as listed.

    `bases`: each checkpoint of the study, in order, with its base. Raises RequestError.
    """
    if asked == "base":
        pairs = tuple((base, name) for name, base in bases.items() if base is not None)
    elif asked == "all":
        pairs = tuple(combinations(bases, 2))
    elif isinstance(asked, str):
        raise RequestError(f"pairs = {asked!r}: allowed are 'base', 'all' or a list of pairs of checkpoints")
    else:
        pairs = tuple(_pair(item, bases) for item in asked)
    if not pairs:
        raise RequestError(
            f"pairs = {asked!r} gives no pair: give a checkpoint its `base`, or list pairs of checkpoints"
        )
    return pairs


def _pair(item: Sequence[str], bases: Mapping[str, str | None]) -> Pair:
    if isinstance(item, str) or len(item) != 2:
        raise RequestError(f"pair {item!r}: a pair is a list of two checkpoints")
    for name in item:
        if name not in bases:
            raise RequestError(f"pair {list(item)!r}: {name!r} is none of {', '.join(bases)}")
    return item[0], item[1]
