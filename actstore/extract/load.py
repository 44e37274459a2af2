"""Load a checkpoint inside a worker: the arguments that are sent, and the function that a worker calls."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from actstore.capture.source import CheckpointSource
from actstore.schema.ports import Extractor, Unit
from actstore.schema.refs import CheckpointRef


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtractorArgs:
    """All that a worker needs to load a checkpoint."""

    source: CheckpointSource
    sites: tuple[str, ...]
    compute_dtype: str
    attention: str
    threads: int
    device: str = "auto"
    n_gpus: int = 1
    """GPUs that the model is spread over."""


def open_checkpoint(arguments: ExtractorArgs) -> Extractor:
    """Load a checkpoint. Raises ModelError."""
    # Only workers load torch: a driver hands out shards and never runs a model.
    from actstore.capture.extractor import load_extractor

    return load_extractor(
        arguments.source,
        sites=arguments.sites,
        compute_dtype=arguments.compute_dtype,
        attention=arguments.attention,
        threads=arguments.threads,
        device=arguments.device,
        n_gpus=arguments.n_gpus,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadWork:
    """Loading alone, as work for an executor: whether a worker can hook a checkpoint's layers."""

    checkpoints: Mapping[str, ExtractorArgs]
    """By group."""

    def open(self, group: str) -> "LoadTask":
        return LoadTask(open_checkpoint(self.checkpoints[group]))


class LoadTask:
    """A checkpoint that loads."""

    def __init__(self, extractor: Extractor) -> None:
        self._extractor = extractor

    def do(self, unit: Unit) -> tuple[str, ...]:
        """The sites that its hooks give."""
        return self._extractor.info.sites

    def close(self) -> None:
        self._extractor.close()


def source_of(ref: CheckpointRef, *, allow_pickle: bool = False) -> CheckpointSource:
    """Where a stored checkpoint came from."""
    model, revision = ref.source, None
    if "@" in model and not Path(model).exists():
        model, _, revision = model.rpartition("@")
    return CheckpointSource(
        name=ref.name,
        model=model,
        revision=revision,
        init=ref.init,
        seed=ref.seed or 0,
        allow_pickle=allow_pickle,
    )
