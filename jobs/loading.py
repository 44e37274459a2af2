"""Loading: architectures that are in no table are loaded once on a worker before anything is stored."""

from actstore.capture.families import family_of
from actstore.errors import ModelError
from actstore.extract.load import LoadWork
from actstore.schema.ports import Executor, Resources, Unit
from jobs.executors import gpus_per_worker
from jobs.prepare import Described, extractor_arguments


def check_loading(described: Described, executor: Executor, *, threads: int) -> None:
    """Load one checkpoint of each unlisted architecture; its layers have to be found and hooked.

    Raises ModelError for one whose layers are not. What fails for another reason is left to the work itself.
    """
    names = _unlisted(described)
    if not names:
        return
    n_gpus = described.study.extract.gpus_per_worker or 1
    work = LoadWork(checkpoints=extractor_arguments(described, threads=threads))
    resources = Resources(cpus=float(threads), threads=threads, gpus=gpus_per_worker(executor) * n_gpus)
    for outcome in executor.map(work, [Unit(key=name, group=name) for name in names], resources):
        if outcome.failure is not None and outcome.failure.request_error:
            raise ModelError(outcome.failure.message)


def _unlisted(described: Described) -> list[str]:
    """The first checkpoint of each architecture and size that actstore/capture/families.py does not list."""
    first: dict[tuple[str, int, int], str] = {}
    for name, ref in described.checkpoints.items():
        if family_of(ref.family) is None:
            first.setdefault((ref.family, ref.n_layers, ref.width), name)
    return list(first.values())
