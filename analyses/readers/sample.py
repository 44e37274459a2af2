"""Sample: which tokens of a tokenisation an analysis reads. A pure function of the token table's columns."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from actstore.errors import RequestError

COLUMNS = ("example", "token", "row", "special", "window", "best_context")
"""Columns of the token table that a sample is drawn from."""
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleSpec:
    """The rule by which tokens are drawn; with a tokenisation it decides them."""

    n_tokens: int | None = 5000
    """How many, without replacement; None: every eligible token."""
    seed: int = 0
    include_special: bool = False
    skip_first: int = 0
    """Positions at the start of each sequence, special tokens counted, that are left out."""
    max_per_text: int | None = None
    """At most so many tokens of one example, drawn by the same seed."""
    excluded: tuple[int, ...] = ()
    """Examples that some run holds no values for."""

    def __post_init__(self) -> None:
        for name, least in (("n_tokens", 1), ("max_per_text", 1), ("skip_first", 0), ("seed", 0)):
            value = getattr(self, name)
            if value is not None and value < least:
                raise RequestError(f"{name} = {value}: it must be {least} or more")

    def to_dict(self) -> dict[str, Any]:
        return {**asdict(self), "excluded": list(self.excluded)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """Drawn tokens in row order."""

    row_T: Ints
    example_T: Ints
    token_T: Ints
    n_eligible: int
    n_asked: int | None

    @property
    def n_tokens(self) -> int:
        """How many were drawn."""
        return len(self.row_T)

    @property
    def complete(self) -> bool:
        """Whether as many were drawn as asked for."""
        return self.n_asked is None or self.n_asked == self.n_tokens

    def to_table(self) -> pa.Table:
        """The tokens' ids, to be recorded with a result: row, example, token."""
        return pa.table(
            {
                "row": pa.array(self.row_T, pa.int64()),
                "example": pa.array(self.example_T, pa.int32()),
                "token": pa.array(self.token_T, pa.int32()),
            }
        )


def draw(tokens: pa.Table, spec: SampleSpec) -> Sample:
    """Draw a sample from a token table in row order (`COLUMNS`).

    Where fewer tokens are eligible than asked for, all of them are taken: see `Sample.complete`.
    Raises RequestError where none is eligible.
    """
    column = {name: _numpy(tokens, name) for name in COLUMNS}
    eligible_T = np.flatnonzero(eligible(column, spec))
    rng = np.random.default_rng(spec.seed)
    if spec.max_per_text is not None:
        eligible_T = _at_most(eligible_T, column["example"], spec.max_per_text, rng)
    if not eligible_T.size:
        raise RequestError(
            f"no token to sample: of {len(tokens)} none is left after special tokens, skip_first = "
            f"{spec.skip_first} and {len(spec.excluded)} excluded examples; sample another corpus"
        )
    chosen_T = eligible_T
    if spec.n_tokens is not None and spec.n_tokens < eligible_T.size:
        chosen_T = np.sort(rng.choice(eligible_T, spec.n_tokens, replace=False))
    row_T, example_T, token_T = (
        column[name][chosen_T].astype(np.int64) for name in ("row", "example", "token")
    )
    return Sample(
        row_T=row_T,
        example_T=example_T,
        token_T=token_T,
        n_eligible=int(eligible_T.size),
        n_asked=spec.n_tokens,
    )


def eligible(column: dict[str, npt.NDArray[Any]], spec: SampleSpec) -> Flags:
    """Which tokens may be drawn, [T]: each source token once, where its context is best."""
    allowed_T: Flags = column["best_context"].astype(bool)
    if not spec.include_special:
        allowed_T = allowed_T & ~column["special"].astype(bool)
    if spec.skip_first:
        allowed_T = allowed_T & (_positions(column["example"], column["window"]) >= spec.skip_first)
    if spec.excluded:
        allowed_T = allowed_T & ~np.isin(column["example"], spec.excluded)
    return allowed_T


def _positions(example_T: npt.NDArray[Any], window_T: npt.NDArray[Any]) -> Ints:
    """Each token's position within its sequence; the tokens of a sequence follow one another."""
    index_T = np.arange(len(example_T), dtype=np.int64)
    starts_T = np.ones(len(example_T), dtype=bool)
    starts_T[1:] = (np.diff(example_T) != 0) | (np.diff(window_T) != 0)
    return index_T - np.maximum.accumulate(np.where(starts_T, index_T, 0))


def _at_most(
    eligible_T: Ints, example_T: npt.NDArray[Any], most: int, rng: np.random.Generator
) -> npt.NDArray[np.int64]:
    """At most `most` of the eligible tokens of each example, drawn uniformly; sorted."""
    shuffled_T = rng.permutation(eligible_T)
    order_T = shuffled_T[np.argsort(example_T[shuffled_T], kind="stable")]
    same_T = example_T[order_T]
    rank_T = np.arange(len(order_T)) - np.searchsorted(same_T, same_T)
    return np.sort(order_T[rank_T < most])


def _numpy(tokens: pa.Table, name: str) -> npt.NDArray[Any]:
    values: npt.NDArray[Any] = tokens.column(name).to_numpy()
    return values
