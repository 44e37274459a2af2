"""What a similarity block of a study asks for, as units of work. Pure: no store is read."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

from actstore.errors import NotFoundError
from actstore.schema import content_id
from actstore.schema.ports import Unit
from actstore.schema.refs import layer_site
from analyses.similarity.request import PairArgs, SimilarityBlock, StoredCorpus, StoredRun, check_comparable


def plan_units(block: SimilarityBlock, corpora: Sequence[StoredCorpus]) -> tuple[Unit, ...]:
    """One unit a corpus, pair, seed and pair of layers; `group` is the tokenisation, `args` a PairArgs.

    Raises NotFoundError where a run is missing, IncomparableRunsError where two are not over the same tokens.
    """
    units: list[Unit] = []
    for corpus in corpora:
        for name_a, name_b in block.pairs:
            a, b = (_run(corpus, name) for name in (name_a, name_b))
            check_comparable(a, b, corpus.name)
            for seed in block.seeds:
                sample = replace(block.sample, seed=seed, excluded=corpus.excluded)
                units.extend(
                    _unit(
                        PairArgs(
                            name=block.name,
                            corpus=corpus.name,
                            measures=block.measures,
                            a=a,
                            b=b,
                            layer_a=layer_a,
                            layer_b=layer_b,
                            sample=sample,
                            resamples=block.resamples,
                        )
                    )
                    for layer_a, layer_b in layer_pairs(block.layers, a, b)
                )
    return tuple(units)


def layer_pairs(layers: str | Sequence[int], a: StoredRun, b: StoredRun) -> list[tuple[int, int]]:
    """The pairs of layers to compare. Raises NotFoundError for a layer that is not stored."""
    if layers == "all":
        return [(one, other) for one in a.layers for other in b.layers]
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


def _unit(args: PairArgs) -> Unit:
    identity: dict[str, Any] = {**asdict(args), "sample": args.sample.to_dict()}
    key = f"L{args.layer_a:02d}-L{args.layer_b:02d}-{content_id(_plain(identity))}"
    return Unit(key=key, group=args.a.tokens_id, args=args)


def _plain(value: Any) -> Any:
    """Tuples as lists and mappings as dicts, for JSON."""
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, tuple | list) else value
