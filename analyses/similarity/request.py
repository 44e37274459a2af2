"""What a similarity analysis is asked for, and the stored runs it may read."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from actstore.errors import IncomparableRunsError, RequestError
from actstore.schema.refs import layer_site
from analyses.readers.sample import SampleSpec
from analyses.similarity.measures import Measure, Options, measures_of
from analyses.similarity.pairs import Pair
from analyses.statistics.grid import Cell

MAX_BOOTSTRAPPED = 50_000
"""Tokens: a bootstrap passes over all rows, or all pairs, for every resample."""
BOOTSTRAP, JACKKNIFE = "bootstrap of examples", "jackknife over groups of examples"
LAYERS = ("matched", "relative", "all")
"""Which layers of one run are compared with which of another, by name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRun:
    """A complete run that can be read."""

    checkpoint: str
    run_id: str
    tokens_id: str
    sites: tuple[str, ...]
    widths: tuple[int, ...]
    """Units of each site."""
    n_rows: int
    replicate: int | None = None
    """Of the checkpoint."""
    n_layers: int | None = None
    """Of the model; None: the last stored one."""

    @property
    def layers(self) -> tuple[int, ...]:
        """Stored layers, lowest first."""
        return tuple(sorted(int(site[1:]) for site in self.sites if site[:1] == "L" and site[1:].isdigit()))

    def position(self, layer: int) -> Fraction:
        """How deep in the model a layer is: 0 the embeddings, 1 the last."""
        return Fraction(layer, max(self.n_layers or max(self.layers), 1))


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredCorpus:
    """The runs over one corpus."""

    name: str
    runs: Mapping[str, StoredRun]
    """By checkpoint."""
    excluded: tuple[int, ...] = ()
    """Examples that some of the runs hold no values for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SimilarityBlock:
    """A `[[similarity]]` block with its pairs resolved."""

    name: str
    pairs: tuple[Pair, ...]
    measures: tuple[str, ...] = ("rsa",)
    layers: str | tuple[int, ...] = "matched"
    """'matched', 'relative', 'all' (every layer with every other) or the layers to match."""
    sample: SampleSpec = field(default_factory=SampleSpec)
    """Its seed and `excluded` are set per unit."""
    seeds: tuple[int, ...] = (0,)
    """One sample of tokens each."""
    resamples: int = 0
    options: Options = field(default_factory=Options)
    unit: str = "token"
    """'token', or 'word' where the source's rows are words."""

    def __post_init__(self) -> None:
        measures_of(self.measures, self.options)
        if self.resamples < 0:
            raise RequestError(f"resamples = {self.resamples}: it must be 0 or more")
        if isinstance(self.layers, str) and self.layers not in LAYERS:
            raise RequestError(
                f"layers = {self.layers!r}: allowed are {', '.join(map(repr, LAYERS))} or a list of layers"
            )

    @property
    def intervals(self) -> dict[str, str]:
        """How the interval of each measure is found."""
        if not self.resamples:
            return {}
        few = self.sample.n_tokens is not None and self.sample.n_tokens <= MAX_BOOTSTRAPPED
        chosen = zip(self.measures, measures_of(self.measures, self.options), strict=True)
        return {name: BOOTSTRAP if few and one.form is not None else JACKKNIFE for name, one in chosen}


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One layer of a run."""

    run: StoredRun
    layer: int

    @property
    def site(self) -> str:
        """Its place in the model."""
        return layer_site(self.layer)

    @property
    def width(self) -> int:
        """Its units."""
        return self.run.widths[self.run.sites.index(self.site)]


@dataclass(frozen=True, slots=True, kw_only=True)
class GridArgs:
    """Sides to read together, and which of them to compare."""

    name: str
    corpus: str
    measures: tuple[str, ...]
    options: Options
    sides: tuple[Side, ...]
    cells: tuple[Cell, ...]
    sample: SampleSpec
    resamples: int

    @property
    def by_group(self) -> bool:
        """Whether sums of groups of examples are kept: for intervals of too many tokens to bootstrap."""
        many = self.sample.n_tokens is None or self.sample.n_tokens > MAX_BOOTSTRAPPED
        return bool(self.resamples) and many and all(item.form is not None for item in self.chosen())

    def chosen(self) -> tuple[Measure, ...]:
        """Its measures."""
        return measures_of(self.measures, self.options)


@dataclass(frozen=True, slots=True, kw_only=True)
class PartArgs:
    """A stretch of rows of a grid: its sums are kept."""

    grid: GridArgs
    first_row: int
    end_row: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MergeArgs:
    """Kept sums of a grid to add: kept again, or with `last` finished."""

    grid: GridArgs
    keys: tuple[str, ...]
    last: bool


def check_comparable(a: StoredRun, b: StoredRun, corpus: str) -> None:
    """Raise IncomparableRunsError unless row r is the same token in both runs."""
    if a.tokens_id != b.tokens_id:
        raise IncomparableRunsError(
            f"{a.checkpoint} and {b.checkpoint} on {corpus} differ in tokens_id ({a.tokens_id} and "
            f"{b.tokens_id}): their rows are not the same tokens. Row by row, compare checkpoints of one "
            'tokenizer with the same max_length, overflow, stride and part; or set unit = "word"'
        )
