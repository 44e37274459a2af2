"""What a similarity block of a study asks for, as stages of units of work. Pure: no store is read."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from actstore.errors import NotFoundError, RequestError
from actstore.schema import content_id
from actstore.schema.ports import Unit
from actstore.schema.refs import layer_site
from analyses.similarity.cca import check_enough
from analyses.similarity.measures import Measure, measures_of
from analyses.similarity.request import (
    MAX_BOOTSTRAPPED,
    GridArgs,
    MergeArgs,
    PartArgs,
    Side,
    SimilarityBlock,
    StoredCorpus,
    StoredRun,
    check_comparable,
)
from analyses.similarity.tiling import (
    LIMITS,
    Limits,
    SidePair,
    grid_flops,
    grids,
    group_ranges,
    row_ranges,
    sides_of,
)
from analyses.statistics.jackknife import N_GROUPS


@dataclass(frozen=True, slots=True)
class Plan:
    """Units in stages: those of a stage need those of the stages before."""

    stages: tuple[tuple[Unit, ...], ...]

    @property
    def tables(self) -> tuple[Unit, ...]:
        """The units that give rows of the table; the others keep sums for them."""
        return tuple(unit for stage in self.stages for unit in stage if gives_table(unit))


def gives_table(unit: Unit) -> bool:
    """Whether a unit gives rows of the table."""
    return isinstance(unit.args, GridArgs) or (isinstance(unit.args, MergeArgs) and unit.args.last)


def plan_units(block: SimilarityBlock, corpora: Sequence[StoredCorpus], limits: Limits = LIMITS) -> Plan:
    """The units of a block; `group` is the tokenisation.

    Layers that are compared with several are read once for all of them where they fit in memory. All tokens
    of long runs are parts, whose sums are merged in a tree. Raises NotFoundError where a run is missing,
    IncomparableRunsError where two are not over the same tokens, RequestError for too few tokens.
    """
    chains = []
    for corpus in corpora:
        for seed in block.seeds:
            sample = replace(block.sample, seed=seed, excluded=corpus.excluded)
            for pairs in _readable_together(block, corpus, limits):
                args = GridArgs(
                    name=block.name,
                    corpus=corpus.name,
                    measures=block.measures,
                    options=block.options,
                    sides=sides_of(pairs),
                    cells=_cells(pairs),
                    sample=sample,
                    resamples=block.resamples,
                )
                chains += [_chain(one, pairs, limits) for one in _by_need(args)]
    n_stages = max(map(len, chains))
    return Plan(tuple(tuple(_at(chains, number)) for number in range(n_stages)))


def layer_pairs(layers: str | Sequence[int], a: StoredRun, b: StoredRun) -> list[tuple[int, int]]:
    """The pairs of layers to compare. Raises NotFoundError for a layer that is not stored."""
    if layers == "all":
        return [(one, other) for one in a.layers for other in b.layers]
    if layers == "relative":
        return relative_layers(a, b)
    wanted = _matched(layers, a, b)
    for layer in wanted:
        for run in (a, b):
            if layer_site(layer) not in run.sites:
                raise NotFoundError(
                    f"layer {layer} of {run.checkpoint} is not stored (run {run.run_id} holds "
                    f"{', '.join(run.sites)}); extract it, or ask for another"
                )
    if not wanted:
        raise NotFoundError(f"{a.checkpoint} and {b.checkpoint} have no stored layer in common")
    return [(layer, layer) for layer in wanted]


def relative_layers(a: StoredRun, b: StoredRun) -> list[tuple[int, int]]:
    """Each layer of the run with fewer, and the layer of the other that is as deep in its model, or nearest
    (the lower of two).

    Raises NotFoundError where a run has no stored layer.
    """
    for run in (a, b):
        if not run.layers:
            raise NotFoundError(f"run {run.run_id} of {run.checkpoint} holds no layer; extract some")
    few, many = (a, b) if len(a.layers) <= len(b.layers) else (b, a)
    pairs = [
        (layer, min(many.layers, key=lambda other: abs(many.position(other) - few.position(layer))))
        for layer in few.layers
    ]
    return pairs if few is a else [(other, layer) for layer, other in pairs]


def _readable_together(
    block: SimilarityBlock, corpus: StoredCorpus, limits: Limits
) -> Iterator[list[SidePair]]:
    """Groups of pairs of sides: by layer where equal layers are compared, and by what fits in memory."""
    measures = measures_of(block.measures, block.options)
    by_layer: dict[int | None, list[SidePair]] = {}
    for name_a, name_b in block.pairs:
        a, b = (_run(corpus, name) for name in (name_a, name_b))
        check_comparable(a, b, corpus.name)
        for layer_a, layer_b in layer_pairs(block.layers, a, b):
            pair = Side(run=a, layer=layer_a), Side(run=b, layer=layer_b)
            _check_tokens(block, measures, pair)
            by_layer.setdefault(None if block.layers == "all" else layer_a, []).append(pair)
    many = (block.sample.n_tokens or MAX_BOOTSTRAPPED + 1) > MAX_BOOTSTRAPPED
    holds = (block.resamples and not many) or any(measure.form is None for measure in measures)
    for pairs in by_layer.values():
        held_tokens = (block.sample.n_tokens or pairs[0][0].run.n_rows) if holds else 0
        yield from grids(list(dict.fromkeys(pairs)), measures, held_tokens, limits.grid_bytes)


def _check_tokens(block: SimilarityBlock, measures: Sequence[Measure], pair: SidePair) -> None:
    n_rows = pair[0].run.n_rows
    n_tokens = min(block.sample.n_tokens or n_rows, n_rows)
    for name, measure in zip(block.measures, measures, strict=True):
        _check_number(name, measure, n_tokens)
        if measure.more_tokens_than_units:
            check_enough(name, n_tokens, [side.width for side in pair])


def _check_number(name: str, measure: Measure, n_tokens: int) -> None:
    least, most = measure.tokens
    if n_tokens < least or (most is not None and n_tokens > most):
        allowed = f"at least {least}" if most is None else f"{least} to {most:,}, for every pair is looked at"
        raise RequestError(f"{name} of {n_tokens:,} tokens: it needs {allowed}; ask for another number")


def _by_need(args: GridArgs) -> Iterator[GridArgs]:
    """Measures of moments and of rows apart where the first need no rows: all tokens, with intervals."""
    of_moments = tuple(
        name for name, measure in zip(args.measures, args.chosen(), strict=True) if measure.form is not None
    )
    apart = replace(args, measures=of_moments)
    if of_moments and of_moments != args.measures and apart.by_group:
        yield apart
        yield replace(args, measures=tuple(name for name in args.measures if name not in of_moments))
    else:
        yield args


def _chain(args: GridArgs, pairs: Sequence[SidePair], limits: Limits) -> list[list[Unit]]:
    """Stages of one grid: the whole at once, or parts and merges until one is left.

    By group: the parts of each group are merged apart, and the groups last.
    """
    measures = args.chosen()
    n_rows = args.sides[0].run.n_rows
    flops = grid_flops(pairs, measures, args.sample.n_tokens or n_rows)
    if args.by_group:
        groups = [_parts(args, flops / N_GROUPS, one, limits) for one in group_ranges(n_rows, N_GROUPS)]
    elif args.sample.n_tokens is None and all(item.form is not None for item in measures):
        groups = [_parts(args, flops, (0, n_rows), limits)]
    else:
        groups = []
    if not groups or (len(groups) == 1 and len(groups[0]) == 1):
        return [[_unit("grid", args, flops)]]
    return _merged(args, groups, flops, limits)


def _parts(args: GridArgs, flops: float, rows: tuple[int, int], limits: Limits) -> list[Unit]:
    first, end = rows
    ranges = row_ranges(end - first, flops, limits)
    return [
        _unit("part", PartArgs(grid=args, first_row=first + a, end_row=first + b), flops / len(ranges))
        for a, b in ranges
    ]


def _merged(args: GridArgs, groups: list[list[Unit]], flops: float, limits: Limits) -> list[list[Unit]]:
    """Stages that merge each group in a tree; where there is one group, its last merge is the grid's."""
    stages = [[unit for group in groups for unit in group]]
    size = limits.parts_per_merge
    enough = size if len(groups) == 1 else 1
    while max(map(len, groups)) > enough:
        made = [
            [
                group[at]
                if len(group) == 1
                else _merge(args, group[at : at + size], flops / len(groups), last=False)
                for at in range(0, len(group), size)
            ]
            for group in groups
        ]
        stages.append(
            [unit for old, new in zip(groups, made, strict=True) for unit in new if unit not in old]
        )
        groups = made
    return [*stages, [_merge(args, [unit for group in groups for unit in group], flops, last=True)]]


def _merge(args: GridArgs, units: Sequence[Unit], flops: float, *, last: bool) -> Unit:
    keys = tuple(unit.key for unit in units)
    return _unit("merge", MergeArgs(grid=args, keys=keys, last=last), flops / 100)


def _at(chains: Sequence[list[list[Unit]]], number: int) -> Iterator[Unit]:
    """All chains' units of a stage; the long ones begin first and all end with the last stage or before."""
    for chain in chains:
        if number < len(chain):
            yield from chain[number]


def _cells(pairs: Sequence[SidePair]) -> tuple[tuple[int, int], ...]:
    numbers = {side: number for number, side in enumerate(sides_of(pairs))}
    return tuple((numbers[a], numbers[b]) for a, b in pairs)


def _run(corpus: StoredCorpus, checkpoint: str) -> StoredRun:
    if checkpoint not in corpus.runs:
        raise NotFoundError(
            f"no run of {checkpoint} over {corpus.name}; there are {', '.join(corpus.runs) or 'none'}: "
            "extract it first"
        )
    return corpus.runs[checkpoint]


def _matched(layers: str | Sequence[int], a: StoredRun, b: StoredRun) -> list[int]:
    if isinstance(layers, str):
        return [layer for layer in a.layers if layer in b.layers]
    return list(layers)


def _unit(kind: str, args: Any, flops: float) -> Unit:
    grid = args if isinstance(args, GridArgs) else args.grid
    identity = {**asdict(args), "sample": grid.sample.to_dict()}
    return Unit(
        key=f"{kind}-{content_id(_plain(identity))}",
        group=grid.sides[0].run.tokens_id,
        args=args,
        weight=max(1.0, flops / 1e9),
    )


def _plain(value: Any) -> Any:
    """Tuples as lists and mappings as dicts, for JSON."""
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, tuple | list) else value
