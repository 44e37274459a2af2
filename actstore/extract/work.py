"""ExtractWork: one shard from token ids to receipt. Knows no cluster.

Batches depend only on the shard's tokens and tokens_per_batch. While one shard is written, the next one is
computed: units in hand share one lock around the model.
"""

import os
import socket
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from actstore.errors import CapacityError, ModelError, PrecisionError
from actstore.extract.allocator import share_one_heap
from actstore.extract.clock import ModelClock
from actstore.extract.environment import compare_environment
from actstore.extract.forward import BatchForward, Placed
from actstore.extract.inputs import ShardInputs
from actstore.plan.batching import padding_waste
from actstore.plan.sequences import SequenceIndex
from actstore.schema.ports import Extractor, Unit
from actstore.schema.receipts import Quarantined, Receipt
from actstore.schema.spec import RunSpec
from actstore.store import paths
from actstore.store.objects import Objects
from actstore.store.root import open_root
from actstore.store.runs import done_shards, read_receipt
from actstore.store.tokens import read_sequences
from actstore.store.writer import ShardWriter

BATCHES_WAITING = 1
"""Batches that may wait for the casting thread; more would only cost memory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShardArgs:
    """What a unit of extraction is: one shard of one run."""

    spec: RunSpec
    shard: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtractWork:
    """Extraction as work for an executor: a group is a checkpoint, a unit is a shard."""

    store_url: str
    open_extractor: Callable[[Any], Extractor]
    """Loads a checkpoint from its arguments; a function of a module, so that it can be sent."""
    checkpoints: Mapping[str, Any]
    """Arguments of `open_extractor` by group."""
    open_objects: Callable[[str], Objects] = open_root
    """Opens the store in the worker."""

    def open(self, group: str) -> "ExtractTask":
        share_one_heap()
        objects = self.open_objects(self.store_url)
        started = time.monotonic()
        extractor = self.open_extractor(self.checkpoints[group])
        return ExtractTask(objects, extractor, time.monotonic() - started)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Computed:
    """What computing a shard told: its timings, and the examples without values."""

    measured: dict[str, float]
    failed: list[Quarantined]


class ExtractTask:
    """A loaded checkpoint at work."""

    def __init__(self, objects: Objects, extractor: Extractor, load_seconds: float) -> None:
        self.objects, self.extractor, self.load_seconds = objects, extractor, load_seconds
        self.name = f"{socket.gethostname()}:{os.getpid()}"
        self._model = ModelClock()
        self._indexes: dict[str, SequenceIndex] = {}
        self._compared: dict[str, float | None] = {}
        self._too_large: dict[str, str] = {}
        """Runs whose batches do not fit, so that only one shard of a run looks for what fits."""

    def do(self, unit: Unit) -> Receipt:
        """Compute, store and receipt one shard.

        Raises PrecisionError, DamagedShardError, StorageError, ModelError, CapacityError.
        """
        args: ShardArgs = unit.args
        spec, shard = args.spec, args.shard
        if self.objects.size(paths.receipt(spec.run_id, shard)) is not None:
            # Another driver was first, or a worker that was lost just after its receipt.
            return read_receipt(self.objects, spec.run_id, shard)
        self._check_sites(spec)
        self._check_fits(spec)
        started = time.monotonic()
        inputs = ShardInputs.read(self.objects, spec, shard, self._index(spec))
        writer = ShardWriter(self.objects, spec, shard)
        read_seconds = time.monotonic() - started
        with self._model.hold() as disk_seconds:
            difference = self._compare_once(spec)
            computed = self._compute(spec, inputs, writer)
        started = time.monotonic()
        objects = writer.store()
        self._model.written()
        measured = {
            "worker": self.name,
            "load_seconds": self.load_seconds,
            "read_seconds": read_seconds,
            **computed.measured,
            "write_seconds": time.monotonic() - started,
            "wait_for_disk_seconds": disk_seconds,
            "tokens": len(inputs.token_id_T),
            "written_bytes": sum(item.bytes for item in objects),
        }
        if difference is not None:
            measured["environment_difference"] = difference
        return writer.receipt(
            objects,
            n_tokens=len(inputs.token_id_T),
            quarantined=inputs.quarantined(writer.empty_rows(), writer.first_row, computed.failed),
            environment=self.extractor.info.environment,
            measured=measured,
        )

    def close(self) -> None:
        self.extractor.close()

    def _compute(self, spec: RunSpec, inputs: ShardInputs, writer: ShardWriter) -> _Computed:
        """Run the model over the shard's batches; casting and placing go on in a thread beside it."""
        plan = inputs.plan(spec.tokens_per_batch)
        forward = BatchForward(self.extractor, inputs, lambda: self._has_receipt(spec))
        waiting: list[Future[None]] = []
        forward_seconds = cast_wait_seconds = 0.0
        with ThreadPoolExecutor(1) as caster:
            for positions in plan:
                started = time.monotonic()
                pieces = self._values(forward, positions, spec)
                computed = time.monotonic()
                while len(waiting) > BATCHES_WAITING:
                    waiting.pop(0).result()
                cast_wait_seconds += time.monotonic() - computed
                forward_seconds += computed - started
                waiting += [caster.submit(_place, writer, inputs, *piece) for piece in pieces]
            started = time.monotonic()
            for future in waiting:
                future.result()
            cast_wait_seconds += time.monotonic() - started
        if len(forward.failed) == len(inputs.sequences) > 1:
            raise ModelError(f"the model fails on every sequence of the shard: {forward.failed[0].reason}")
        measured = {
            "forward_seconds": forward_seconds,
            "cast_wait_seconds": cast_wait_seconds,
            "padding_waste": padding_waste(inputs.sequences.n_tokens_S, plan),
        }
        halved = {"halved_batches": forward.n_halved} if forward.n_halved else {}
        return _Computed(measured={**measured, **halved}, failed=forward.failed)

    def _values(self, forward: BatchForward, positions: list[int], spec: RunSpec) -> list[Placed]:
        try:
            return forward.values(positions, spec.tokens_per_batch)
        except CapacityError as error:
            self._too_large[spec.run_id] = str(error)
            raise

    def _check_fits(self, spec: RunSpec) -> None:
        """Raises CapacityError again for a run that did not fit, while it has no receipt."""
        if spec.run_id in self._too_large and not self._has_receipt(spec):
            raise CapacityError(self._too_large[spec.run_id])

    def _has_receipt(self, spec: RunSpec) -> bool:
        return bool(done_shards(self.objects, spec.run_id))

    def _index(self, spec: RunSpec) -> SequenceIndex:
        if spec.tokens_id not in self._indexes:
            self._indexes = {spec.tokens_id: read_sequences(self.objects, spec.text_id, spec.tokens_id)}
        return self._indexes[spec.tokens_id]

    def _compare_once(self, spec: RunSpec) -> float | None:
        """The largest difference to a shard that another environment stored, measured once a run."""
        if spec.run_id not in self._compared:
            self._compared[spec.run_id] = compare_environment(self.objects, spec, self.extractor)
        return self._compared[spec.run_id]

    def _check_sites(self, spec: RunSpec) -> None:
        widths = dict(zip(self.extractor.info.sites, self.extractor.info.widths, strict=True))
        for site, width in zip(spec.sites, spec.widths, strict=True):
            if widths.get(site) != width:
                raise ModelError(
                    f"site {site} is planned with {width} units, the loaded model gives {widths.get(site)}; "
                    "its configuration and its weights do not agree"
                )


def _place(
    writer: ShardWriter,
    inputs: ShardInputs,
    row_T: npt.NDArray[np.int64],
    by_site: Mapping[str, npt.NDArray[np.float32]],
) -> None:
    """Cast and place a batch; names the example of a value that does not fit."""
    for site in writer.spec.sites:
        try:
            writer.put(site, row_T, by_site[site])
        except PrecisionError as error:
            message, row = error.args
            raise PrecisionError(f"example {inputs.example_of_row(row)}, {message}") from error
