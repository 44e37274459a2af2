"""What an `[[analysis]]` block asks for, as units of work. Pure: no store is read."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, is_dataclass, replace
from typing import Any

from actstore.errors import IncomparableRunsError, NotFoundError
from actstore.schema import content_id
from actstore.schema.ports import Unit
from actstore.schema.refs import layer_site
from actstore.schema.spec import RunSpec
from analyses.readers.sample import SampleSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtensionCorpus:
    """The complete runs over one corpus."""

    name: str
    runs: Mapping[str, RunSpec]
    """By checkpoint."""
    excluded: Mapping[str, tuple[int, ...]]
    """Examples that a run holds no values for, by checkpoint."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtensionBlock:
    """An `[[analysis]]` block with its kind's options read."""

    kind: str
    version: int
    name: str
    sides: tuple[tuple[str, ...], ...]
    """Checkpoints to read together: one each, or two."""
    sample: SampleSpec
    """Its `excluded` is set per unit."""
    options: Any = None
    """A frozen dataclass of the kind's, or None."""

    @property
    def told_options(self) -> dict[str, Any]:
        """The options by name, defaults included."""
        return asdict(self.options) if is_dataclass(self.options) else {}  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtensionArgs:
    """One layer of one run or two."""

    corpus: str
    checkpoints: tuple[str, ...]
    runs: tuple[str, ...]
    layer: int
    sample: SampleSpec


def plan_extension(block: ExtensionBlock, corpora: Sequence[ExtensionCorpus]) -> tuple[Unit, ...]:
    """One unit a corpus, side and layer that all its runs hold; `group` is the tokenisation.

    Raises IncomparableRunsError where rows of two runs are not the same tokens, NotFoundError where no layer
    is in both.
    """
    return tuple(
        unit
        for corpus in corpora
        for checkpoints in block.sides
        for unit in _units(block, corpus, checkpoints)
    )


def _units(block: ExtensionBlock, corpus: ExtensionCorpus, checkpoints: tuple[str, ...]) -> list[Unit]:
    specs = [corpus.runs[name] for name in checkpoints]
    told = f"{' and '.join(checkpoints)} on {corpus.name}"
    if len({spec.tokens_id for spec in specs}) > 1:
        raise IncomparableRunsError(
            f"{told} differ in tokens_id: their rows are not the same tokens; [[analysis]] compares "
            "checkpoints of one tokenizer, with the same max_length, overflow, stride and part"
        )
    layers = sorted(set.intersection(*({*_layers(spec)} for spec in specs)))
    if not layers:
        raise NotFoundError(f"{told}: no layer is stored of all; extract one")
    excluded = {example for name in checkpoints for example in corpus.excluded.get(name, ())}
    sample = replace(block.sample, excluded=tuple(sorted(excluded)))
    return [
        _unit(
            block,
            specs[0].tokens_id,
            ExtensionArgs(
                corpus=corpus.name,
                checkpoints=checkpoints,
                runs=tuple(spec.run_id for spec in specs),
                layer=layer,
                sample=sample,
            ),
        )
        for layer in layers
    ]


def _unit(block: ExtensionBlock, tokens_id: str, args: ExtensionArgs) -> Unit:
    """Its key says all that decides its numbers."""
    identity = {
        "kind": block.kind,
        "version": block.version,
        "options": block.told_options,
        "corpus": args.corpus,
        "checkpoints": list(args.checkpoints),
        "runs": list(args.runs),
        "layer": args.layer,
        "sample": args.sample.to_dict(),
    }
    return Unit(key=f"{layer_site(args.layer)}-{content_id(identity)}", group=tokens_id, args=args)


def _layers(spec: RunSpec) -> list[int]:
    return [int(site[1:]) for site in spec.sites if site[:1] == "L" and site[1:].isdigit()]
