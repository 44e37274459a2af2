"""Requests: what may be asked of a served store beside a Query and a Nearest. Small and of JSON's types."""

from dataclasses import dataclass

from actstore.errors import RequestError
from actstore.schema.query import Nearest, Query

Range = tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sql:
    """A SELECT over the store's tables."""

    statement: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """One of the catalog's tables: checkpoints, corpora or runs."""

    name: str

    def __post_init__(self) -> None:
        if self.name not in CATALOG:
            raise RequestError(f"table {self.name!r}: allowed are {', '.join(CATALOG)}; others by SQL")


@dataclass(frozen=True, slots=True, kw_only=True)
class FindRun:
    """The run of a checkpoint over a corpus: one row with its id and its spec as JSON."""

    checkpoint: str
    corpus: str
    run: str | None = None
    allow_partial: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """The spec of a run, by its id: one row, as of FindRun."""

    run_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sequences:
    """Where the sequences with stored values lie in a run."""

    run_id: str
    allow_partial: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """Columns of a tokenisation's token table, of all rows or a range of them."""

    tokens_id: str
    columns: tuple[str, ...]
    rows: Range | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WordTokens:
    """Columns of a tokenisation's word table."""

    tokens_id: str
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """Activations of ranges of rows (first, end), in the order given."""

    run_id: str
    site: str
    ranges: tuple[Range, ...]
    check: bool | None = None
    """Whether checksums are checked; None: where that is cheap."""
    allow_partial: bool = False

    def __post_init__(self) -> None:
        for first, end in self.ranges:
            if not 0 <= first <= end:
                raise RequestError(f"rows {first} to {end}: give a first row from 0 and an end not before it")


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """Every used row of a run at a site, in order."""

    run_id: str
    site: str
    rows_per_step: int | None = None
    shards: tuple[int, ...] | None = None
    allow_partial: bool = False

    def __post_init__(self) -> None:
        if self.rows_per_step is not None and self.rows_per_step < 1:
            raise RequestError(f"rows_per_step = {self.rows_per_step}: it must be 1 or more")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fidelity:
    """What the stored dtype changed, a row a site."""

    run_id: str


CATALOG = ("checkpoints", "corpora", "runs")
Request = (
    Query | Nearest | Sql | Table | FindRun | Spec | Sequences | Tokens | WordTokens | Rows | Scan | Fidelity
)
