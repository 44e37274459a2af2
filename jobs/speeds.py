"""Speeds: how fast a worker was, by the receipts of a store, or by one batch run here and now."""

import time

import numpy as np

from actstore.extract.load import open_checkpoint
from actstore.plan.cost import Kind, Measured, Speed, speed
from actstore.schema.receipts import Receipt
from actstore.schema.refs import CheckpointRef, site_layer
from actstore.schema.spec import RunSpec
from actstore.schema.tokens import TokenBatch
from actstore.store import names
from actstore.store.catalog import each_run
from actstore.store.objects import Objects
from actstore.store.runs import read_receipts
from jobs.planned import PlannedRun
from jobs.prepare import Described, extractor_arguments

MODEL_SECONDS = ("forward_seconds", "cast_wait_seconds", "wait_for_disk_seconds")
RUNS_A_KIND = 3
"""Runs whose receipts are read; more of the same kind tell the same."""
CALIBRATION_TOKEN = 1000
"""Ids of the calibration's tokens stay below this; their values do not change the time."""


def speeds(planned: list[PlannedRun], objects: Objects | None) -> dict[str, Speed]:
    """One worker's speed for each planned run, by run id."""
    measured = [] if objects is None else measured_speeds(objects, {item.kind for item in planned})
    return {item.spec.run_id: speed(item.size, item.kind, item.mean_length, measured) for item in planned}


def measured_speeds(objects: Objects, kinds: set[Kind]) -> list[Measured]:
    """What the receipts of runs of these kinds say; looks no further once each kind has enough."""
    refs = {ref.trunk_sha256: ref for ref in names.checkpoints(objects)}
    n_read: dict[Kind, int] = {}
    out = []
    for info in each_run(objects, sizes=False):
        if all(n_read.get(kind, 0) >= RUNS_A_KIND for kind in kinds):
            break
        ref = refs.get(info.spec.trunk_sha256)
        kind = None if ref is None else kind_of(ref, info.spec)
        if kind in kinds and kind is not None and n_read.get(kind, 0) < RUNS_A_KIND and info.n_done:
            n_read[kind] = n_read.get(kind, 0) + 1
            receipts = read_receipts(objects, info.run_id).values()
            out += [_measured(kind, item) for item in receipts if "forward_seconds" in item.measured]
    return out


def kind_of(ref: CheckpointRef, spec: RunSpec) -> Kind:
    """What of a run decides its speed."""
    layers = [site_layer(site) for site in spec.sites]
    return Kind(
        family=ref.family,
        n_layers=max(ref.n_layers if layer is None else layer for layer in layers),
        width=ref.width,
        compute_dtype=spec.compute_dtype,
    )


def calibrated(described: Described, planned: list[PlannedRun], threads: int = 1) -> dict[str, Speed]:
    """One batch of each checkpoint run in this process; what can not be loaded raises ModelError."""
    arguments = extractor_arguments(described, threads=threads)
    by_checkpoint: dict[str, Speed] = {}
    out = {}
    for item in planned:
        if item.checkpoint not in by_checkpoint:
            extractor = open_checkpoint(arguments[item.checkpoint])
            batch = _batch(item)
            try:
                extractor.forward(batch)
                started = time.perf_counter()
                extractor.forward(batch)
                seconds = time.perf_counter() - started
            finally:
                extractor.close()
            device = str(extractor.info.environment.get("device", "cpu"))
            by_checkpoint[item.checkpoint] = Speed(
                tokens_per_second=batch.n_tokens / seconds, source="calibrated",
                note=f"one batch run here, {device}, {threads} threads",
            )  # fmt: skip
        out[item.spec.run_id] = by_checkpoint[item.checkpoint]
    return out


def _batch(item: PlannedRun) -> TokenBatch:
    """A batch of the corpus's mean length, without padding."""
    length = max(2, round(item.mean_length))
    n = max(1, item.spec.tokens_per_batch // length)
    ids_T = np.arange(n * length, dtype=np.int32) % min(CALIBRATION_TOKEN, max(2, item.size.vocabulary))
    return TokenBatch(
        token_id_T=ids_T,
        segment_T=np.zeros(n * length, dtype=np.int8),
        offset_N1=np.arange(n + 1, dtype=np.int64) * length,
    )


def _measured(kind: Kind, receipt: Receipt) -> Measured:
    return Measured(
        kind=kind,
        device=str(receipt.environment.get("device", "unknown")),
        n_tokens=receipt.n_tokens,
        seconds=sum(float(receipt.measured.get(key, 0.0)) for key in MODEL_SECONDS),
    )
