"""Driver: hands missing shards to an executor and seals what is whole. Its only state is receipts."""

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from actstore.errors import CapacityError
from actstore.extract.sealing import Sealing
from actstore.extract.work import ExtractWork, ShardArgs
from actstore.plan.memory import worker_bytes
from actstore.plan.resume import portions
from actstore.schema.ports import Executor, Extractor, Failure, Outcome, Resources, Unit
from actstore.schema.receipts import Manifest, Quarantined, Receipt
from actstore.schema.spec import RunSpec
from actstore.store.catalog import fold_catalog
from actstore.store.objects import Objects
from actstore.store.root import open_root
from actstore.store.runs import (
    begin_runs,
    find_manifests,
    missing_of_runs,
    read_receipts,
    seal,
)

SHARDS_IN_HAND = 2
"""One is computed while the one before it is written."""
MOST_UNITS = 100_000
"""Shards handed to an executor together: those of 10,000 runs of 1,000 shards are never all units at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunPlan:
    """A run that is wanted: a checkpoint over a corpus."""

    checkpoint: str
    corpus: str
    spec: RunSpec
    max_length: int = 0
    """Tokens of the longest sequence allowed, for the bound of memory; 0: at most tokens_per_batch."""
    n_sequences: int = 0
    """Of the corpus, for the bound of memory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunReport:
    """How a run came out."""

    plan: RunPlan
    n_new_shards: int
    manifest: Manifest | None
    """None while shards are missing."""
    failures: tuple[Failure, ...] = ()
    quarantined: tuple[Quarantined, ...] = ()


@dataclass(slots=True)
class _Progress:
    """What came back of one run."""

    left: int
    """Shards without a receipt."""
    new: int = 0
    failures: list[Failure] = field(default_factory=list)


OnReceipt = Callable[[RunPlan, Receipt, Outcome], None]
OnFailure = Callable[[RunPlan, Outcome], None]


def extract_runs(
    objects: Objects,
    plans: Sequence[RunPlan],
    executor: Executor,
    resources: Resources,
    *,
    open_extractor: Callable[[Any], Extractor],
    checkpoints: Mapping[str, Any],
    on_receipt: OnReceipt | None = None,
    on_failure: OnFailure | None = None,
    open_objects: Callable[[str], Objects] = open_root,
) -> list[RunReport]:
    """Do the missing shards of the given runs, each once, and seal every run that is whole.

    A run asked for under two names is done once. `open_objects` opens the store in a worker. Raises, before
    any work, CapacityError when the disk can not hold what is missing and AccessError when it is read-only.
    """
    by_id: dict[str, RunPlan] = {}
    for plan in plans:
        by_id.setdefault(plan.spec.run_id, plan)
    missing = missing_of_runs(objects, [plan.spec for plan in by_id.values()])
    check_space(objects, [(plan.spec, missing[run_id]) for run_id, plan in by_id.items()])
    if any(missing.values()):
        objects.staging()  # says so where nothing can be written, before a model is loaded
    progress = {run_id: _Progress(left=len(missing[run_id])) for run_id in by_id}
    work = ExtractWork(
        store_url=objects.url,
        open_extractor=open_extractor,
        checkpoints=checkpoints,
        open_objects=open_objects,
    )
    with Sealing(objects) as sealing:
        for portion in portions(missing, MOST_UNITS):
            begin_runs(objects, [by_id[run_id].spec for run_id in portion])
            units = [unit for run_id in portion for unit in shard_units(by_id[run_id], missing[run_id])]
            for outcome in executor.map(work, units, resources):
                plan = by_id[outcome.unit.args.spec.run_id]
                _count(progress[plan.spec.run_id], outcome)
                if outcome.failure is not None and on_failure is not None:
                    on_failure(plan, outcome)
                if outcome.failure is None and on_receipt is not None:
                    on_receipt(plan, outcome.result, outcome)
                if progress[plan.spec.run_id].left == 0:
                    sealing.begin(plan.spec)
        sealing.wait()
    if any(missing.values()):
        fold_catalog(objects)
    sealed = find_manifests(objects, by_id)
    for run_id, plan in by_id.items():
        # Who did the last shard may have died before the seal.
        if progress[run_id].left == 0 and run_id not in sealed:
            sealed[run_id] = seal(objects, plan.spec)
    return [
        _report(objects, plan, progress[plan.spec.run_id], sealed.get(plan.spec.run_id)) for plan in plans
    ]


def shard_units(plan: RunPlan, shards: Sequence[int]) -> list[Unit]:
    """The units of some shards of a run; weights are rows x layers."""
    spec = plan.spec
    return [
        Unit(
            key=f"{spec.run_id}/{shard}",
            group=plan.checkpoint,
            weight=float((spec.shard_range(shard)[1] - spec.shard_range(shard)[0]) * len(spec.sites)),
            args=ShardArgs(spec=spec, shard=shard),
        )
        for shard in shards
    ]


def run_bytes(spec: RunSpec, shards: Sequence[int] | None = None) -> int:
    """Bytes that shards (all, by default) take when stored uncompressed."""
    rows = spec.n_rows
    if shards is not None:
        first, end = spec.shard_range(spec.n_shards - 1)
        short = spec.shard_rows - (end - first) if spec.n_shards - 1 in shards else 0
        rows = len(shards) * spec.shard_rows - short
    return rows * (sum(spec.widths) * spec.item_bytes + (4 * len(spec.sites) if spec.dtype == "int8" else 0))


def memory_bytes(spec: RunSpec, max_length: int = 0, n_sequences: int = 0) -> int:
    """Upper bound of what one run adds to a worker that has its libraries and its model loaded."""
    return worker_bytes(
        spec.shard_rows, spec.widths, spec.item_bytes, max(spec.tokens_per_batch, max_length), SHARDS_IN_HAND,
        reduced=spec.compute_dtype != "float32", n_sequences=n_sequences,
    )  # fmt: skip


def check_space(objects: Objects, wanted: Sequence[tuple[RunSpec, Sequence[int]]]) -> None:
    """Raise CapacityError when the disk below the store can not hold the shards."""
    place = objects.local_path("")
    if place is None or not place.exists():
        return
    needed = sum(run_bytes(spec, shards) for spec, shards in wanted)
    free = shutil.disk_usage(place).free
    if needed > free:
        raise CapacityError(
            f"the missing shards take {needed / 1e9:.2f} GB, {objects.url} has {free / 1e9:.2f} GB free; "
            "choose fewer sites, a smaller dtype (int8), a limit for the corpus, or another disk"
        )


def _count(progress: _Progress, outcome: Outcome) -> None:
    if outcome.failure is None:
        progress.new += 1
        progress.left -= 1
    else:
        progress.failures.append(outcome.failure)


def _report(objects: Objects, plan: RunPlan, progress: _Progress, manifest: Manifest | None) -> RunReport:
    quarantined: tuple[Quarantined, ...] = ()
    if manifest is not None and manifest.n_quarantined:
        receipts = read_receipts(objects, plan.spec.run_id).values()
        quarantined = tuple(item for receipt in receipts for item in receipt.quarantined)
    return RunReport(
        plan=plan,
        n_new_shards=progress.new,
        manifest=manifest,
        failures=tuple(progress.failures),
        quarantined=quarantined,
    )
