"""What a similarity analysis is asked for, and the stored runs it may read."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from actstore.errors import IncomparableRunsError, RequestError
from analyses.readers.sample import SampleSpec
from analyses.similarity.measures import check_measures
from analyses.similarity.pairs import Pair


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRun:
    """A complete run that can be read."""

    checkpoint: str
    run_id: str
    tokens_id: str
    sites: tuple[str, ...]
    replicate: int | None = None
    """Of the checkpoint."""

    @property
    def layers(self) -> tuple[int, ...]:
        """Stored layers, lowest first."""
        return tuple(sorted(int(site[1:]) for site in self.sites if site[:1] == "L" and site[1:].isdigit()))


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
    """'matched', 'all' (every layer with every other) or the layers to match."""
    sample: SampleSpec = field(default_factory=SampleSpec)
    """Its seed and `excluded` are set per unit."""
    seeds: tuple[int, ...] = (0,)
    """One sample of tokens each."""
    resamples: int = 0

    def __post_init__(self) -> None:
        check_measures(self.measures)
        if self.resamples < 0:
            raise RequestError(f"resamples = {self.resamples}: it must be 0 or more")
        if self.resamples and self.sample.n_tokens is None:
            raise RequestError(
                'resamples with tokens = "all": resampling looks at pairs of tokens; give tokens = 5000 or '
                "so, or resamples = 0"
            )
        if isinstance(self.layers, str) and self.layers not in ("matched", "all"):
            raise RequestError(f"layers = {self.layers!r}: allowed are 'matched', 'all' or a list of layers")


@dataclass(frozen=True, slots=True, kw_only=True)
class PairArgs:
    """One pair of layers to compare."""

    name: str
    corpus: str
    measures: tuple[str, ...]
    a: StoredRun
    b: StoredRun
    layer_a: int
    layer_b: int
    sample: SampleSpec
    resamples: int


def check_comparable(a: StoredRun, b: StoredRun, corpus: str) -> None:
    """Raise IncomparableRunsError unless row r is the same token in both runs."""
    if a.tokens_id != b.tokens_id:
        raise IncomparableRunsError(
            f"{a.checkpoint} and {b.checkpoint} on {corpus} differ in tokens_id ({a.tokens_id} and "
            f"{b.tokens_id}): their rows are not the same tokens. Row by row, compare checkpoints of one "
            "tokenizer with the same max_length, overflow, stride and part"
        )
