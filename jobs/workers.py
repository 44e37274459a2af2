"""Workers of an extraction: what each asks for, from the plan's bounds of memory."""

from collections.abc import Sequence
from dataclasses import replace

from actstore.extract.driver import SHARDS_IN_HAND, RunPlan, memory_bytes
from actstore.plan.cost import model_size
from actstore.plan.memory import opens_ahead
from actstore.schema.ports import Resources
from actstore.schema.refs import CheckpointRef
from actstore.schema.spec import ITEM_BYTES
from actstore.store.objects import Objects
from actstore.store.runs import missing_of_runs
from jobs.executors import AnyExecutor, gpus_per_worker, share_bytes
from jobs.prepare import Described


def worker_resources(
    described: Described, plans: Sequence[RunPlan], objects: Objects, executor: AnyExecutor, *, threads: int
) -> Resources:
    """What a worker asks for: the weights and what extraction adds, of the largest missing run.

    The next checkpoint is loaded beside the one at work where a worker's share of memory holds both.
    """
    left = missing_of_runs(objects, [plan.spec for plan in plans])
    missing = [plan for plan in plans if left[plan.spec.run_id]]
    settings = described.study.extract
    bounds = (memory_bytes(plan.spec, plan.max_length, plan.n_sequences) for plan in missing)
    work_bytes = max(bounds, default=0)
    models = {
        plan.checkpoint: weight_bytes(described.checkpoints[plan.checkpoint], settings.compute_dtype)
        for plan in missing
    }
    resources = Resources(
        threads=threads,
        cpus=float(threads),
        gpus=gpus_per_worker(executor) * (settings.gpus_per_worker or 1),
        overlap=SHARDS_IN_HAND,
        memory_bytes=work_bytes + max(models.values(), default=0),
    )
    share = share_bytes(executor, resources)
    ahead = opens_ahead(share, work_bytes, list(models.values()), settings.compute_dtype, resources.gpus)
    if not ahead:
        return resources
    beside = sum(sorted(models.values())[-2:])
    return replace(resources, ahead=True, memory_bytes=work_bytes + beside)


def weight_bytes(ref: CheckpointRef, compute_dtype: str) -> int:
    """The weights of a checkpoint in a worker, near enough."""
    size = model_size(ref.config or {}, ref.n_layers, ref.width)
    return size.parameters * ITEM_BYTES[compute_dtype]
