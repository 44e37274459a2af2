"""What a drift block of a study asks for, as units of work. Pure: no store is read."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field

from actstore.errors import IncomparableRunsError, NotFoundError
from actstore.schema import content_id
from actstore.schema.ports import Unit
from actstore.schema.refs import layer_site
from actstore.schema.spec import RunSpec

Pair = tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftCorpus:
    """The complete runs over one corpus."""

    name: str
    runs: Mapping[str, RunSpec]
    """By checkpoint."""
    excluded: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    """Examples that a run holds no values for, by checkpoint."""

    def excluded_of(self, *checkpoints: str) -> tuple[int, ...]:
        """Examples that some of the runs hold no values for, in order."""
        return tuple(sorted({example for name in checkpoints for example in self.excluded.get(name, ())}))


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftArgs:
    """A stretch of rows of one layer of two runs."""

    corpus: str
    checkpoint_a: str
    checkpoint_b: str
    run_a: str
    run_b: str
    layer: int
    first_row: int
    end_row: int
    excluded: tuple[int, ...]


def plan_drift(pairs: Sequence[Pair], corpora: Sequence[DriftCorpus]) -> tuple[Unit, ...]:
    """One unit a pair, corpus, layer and shard of the first run; `group` is the tokenisation.

    Raises NotFoundError where a run is missing or no layer is in both, IncomparableRunsError where rows are
    not the same tokens or not of the same width.
    """
    return tuple(
        unit
        for a, b in pairs
        for corpus in corpora
        for layer in _layers(a, b, corpus)
        for unit in _units(a, b, corpus, layer)
    )


def _layers(a: str, b: str, corpus: DriftCorpus) -> list[int]:
    """Layers that both runs hold, lowest first."""
    spec_a, spec_b = _run(corpus, a), _run(corpus, b)
    if spec_a.tokens_id != spec_b.tokens_id:
        raise IncomparableRunsError(
            f"{a} and {b} on {corpus.name} differ in tokens_id ({spec_a.tokens_id} and {spec_b.tokens_id}): "
            "their rows are not the same tokens; drift is of checkpoints of one tokenizer, with the same "
            "max_length, overflow, stride and part"
        )
    both = sorted(
        layer
        for layer in map(_layer, spec_a.sites)
        if layer is not None and layer_site(layer) in spec_b.sites
    )
    if not both:
        raise NotFoundError(f"{a} and {b} have no stored layer in common on {corpus.name}; extract one")
    for layer in both:
        widths = [spec.width(layer_site(layer)) for spec in (spec_a, spec_b)]
        if widths[0] != widths[1]:
            raise IncomparableRunsError(
                f"layer {layer} of {a} and {b} on {corpus.name} has {widths[0]} and {widths[1]} units: no "
                "token can be compared with itself; use [[similarity]] for models of different widths"
            )
    return both


def _units(a: str, b: str, corpus: DriftCorpus, layer: int) -> Iterator[Unit]:
    spec = corpus.runs[a]
    for shard in range(spec.n_shards):
        first, end = spec.shard_range(shard)
        args = DriftArgs(
            corpus=corpus.name,
            checkpoint_a=a,
            checkpoint_b=b,
            run_a=spec.run_id,
            run_b=corpus.runs[b].run_id,
            layer=layer,
            first_row=first,
            end_row=end,
            excluded=corpus.excluded_of(a, b),
        )
        key = f"L{layer:02d}-S{shard:06d}-{content_id({**asdict(args), 'excluded': list(args.excluded)})}"
        yield Unit(key=key, group=spec.tokens_id, weight=end - first, args=args)


def _run(corpus: DriftCorpus, checkpoint: str) -> RunSpec:
    if checkpoint not in corpus.runs:
        raise NotFoundError(
            f"no run of {checkpoint} over {corpus.name}; there are {', '.join(corpus.runs) or 'none'}: "
            "extract it first"
        )
    return corpus.runs[checkpoint]


def _layer(site: str) -> int | None:
    return int(site[1:]) if site[:1] == "L" and site[1:].isdigit() else None
