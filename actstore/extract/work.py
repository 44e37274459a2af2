"""ExtractWork: one shard from token ids to receipt. Knows no cluster.

Batches depend only on the shard's tokens and tokens_per_batch. While one shard is written, the next one is
computed: units in hand share one lock around the model.
"""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from actstore.errors import ActstoreError, ModelError, PrecisionError
from actstore.extract.environment import compare_environment
from actstore.plan.batching import batches, padding_waste
from actstore.plan.sequences import SequenceIndex
from actstore.schema.ports import Extractor, Unit
from actstore.schema.receipts import Quarantined, Receipt
from actstore.schema.spec import RunSpec
from actstore.schema.tokens import TokenBatch
from actstore.store import paths
from actstore.store.objects import Objects
from actstore.store.root import open_root
from actstore.store.runs import read_receipt
from actstore.store.tokens import read_inputs, read_sequences
from actstore.store.writer import ShardWriter

BATCHES_WAITING = 1
"""Batches that may wait for the casting thread; more would only cost memory."""

ALL_FAIL = 8
"""Where this many sequences are a batch and each of them fails alone too, the model is at fault."""
ADOPTED_EMPTY = "another driver stored this shard without values for it"


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
        objects = self.open_objects(self.store_url)
        started = time.monotonic()
        extractor = self.open_extractor(self.checkpoints[group])
        return ExtractTask(objects, extractor, time.monotonic() - started)


class ExtractTask:
    """A loaded checkpoint at work."""

    def __init__(self, objects: Objects, extractor: Extractor, load_seconds: float) -> None:
        self.objects, self.extractor, self.load_seconds = objects, extractor, load_seconds
        self._model = threading.Lock()
        self._indexes: dict[str, SequenceIndex] = {}
        self._compared: dict[str, float | None] = {}

    def do(self, unit: Unit) -> Receipt:
        """Compute, store and receipt one shard. Raises PrecisionError, DamagedShardError, StorageError."""
        args: ShardArgs = unit.args
        spec, shard = args.spec, args.shard
        if self.objects.size(paths.receipt(spec.run_id, shard)) is not None:
            # Another driver was first, or a worker that was lost just after its receipt.
            return read_receipt(self.objects, spec.run_id, shard)
        self._check_sites(spec)
        inputs = _ShardInputs.read(self.objects, spec, shard, self._index(spec))
        writer = ShardWriter(self.objects, spec, shard)
        with self._model:
            difference = self._compare_once(spec)
            started = time.monotonic()
            failed = self._compute(spec, inputs, writer)
            forward_seconds = time.monotonic() - started
        started = time.monotonic()
        objects = writer.store()
        measured = {
            "load_seconds": self.load_seconds,
            "forward_seconds": forward_seconds,
            "write_seconds": time.monotonic() - started,
            "padding_waste": padding_waste(inputs.sequences.n_tokens_S, inputs.plan(spec)),
        }
        if difference is not None:
            measured["environment_difference"] = difference
        return writer.receipt(
            objects,
            n_tokens=len(inputs.token_id_T),
            quarantined=inputs.quarantined(writer.empty_rows(), writer.first_row, failed),
            environment=self.extractor.info.environment,
            measured=measured,
        )

    def close(self) -> None:
        self.extractor.close()

    def _compute(self, spec: RunSpec, inputs: "_ShardInputs", writer: ShardWriter) -> list[Quarantined]:
        """Run the model over the shard's batches; casting and placing go on in a thread beside it."""
        failed: list[Quarantined] = []
        waiting: list[Future[None]] = []
        with ThreadPoolExecutor(1) as caster:
            for positions in inputs.plan(spec):
                values, alone = self._forward(inputs, positions)
                failed += alone
                while len(waiting) > BATCHES_WAITING:
                    waiting.pop(0).result()
                for rows_T, by_site in values:
                    waiting.append(caster.submit(_place, writer, inputs, rows_T, by_site))
            for future in waiting:
                future.result()
        if len(failed) == len(inputs.sequences) > 1:
            raise ModelError(f"the model fails on every sequence of the shard: {failed[0].reason}")
        return failed

    def _forward(
        self, inputs: "_ShardInputs", positions: list[int]
    ) -> tuple[list[tuple[npt.NDArray[np.int64], Mapping[str, npt.NDArray[np.float32]]]], list[Quarantined]]:
        """Activations of a batch; where the model raises, of each sequence alone, the raising ones named."""
        try:
            return [(inputs.rows(positions), self.extractor.forward(inputs.batch(positions)))], []
        except ActstoreError:
            raise
        except Exception as error:  # noqa: BLE001  a poison example must not cost the others their values
            if len(positions) == 1:
                example = int(inputs.sequences.example_S[positions[0]])
                return [], [Quarantined(example=example, reason=f"{type(error).__name__}: {error}"[:500])]
        alone = [self._forward(inputs, [position]) for position in positions]
        failed = [item for _, items in alone for item in items]
        if len(failed) == len(positions) >= ALL_FAIL:
            raise ModelError(
                f"the model fails on each of the {len(failed)} sequences of a batch: {failed[0].reason}"
            )
        return [value for values, _ in alone for value in values], failed

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


@dataclass(frozen=True, slots=True, kw_only=True)
class _ShardInputs:
    """Token ids and segments of a shard's sequences, one after the other."""

    sequences: SequenceIndex
    token_id_T: npt.NDArray[np.int32]
    segment_T: npt.NDArray[np.int8]
    offset_S1: npt.NDArray[np.int64]

    @classmethod
    def read(cls, objects: Objects, spec: RunSpec, shard: int, index: SequenceIndex) -> "_ShardInputs":
        rows = spec.shard_range(shard)
        token_id_T, segment_T = read_inputs(objects, spec.text_id, spec.tokens_id, rows)
        sequences = index.within_rows(*rows)
        offset_S1 = np.concatenate([[0], np.cumsum(sequences.n_tokens_S)]).astype(np.int64)
        if offset_S1[-1] != len(token_id_T):
            raise ModelError(
                f"shard {shard}: {len(token_id_T)} tokens are stored for sequences of {offset_S1[-1]}; "
                "the tokenisation is damaged, remove it and extract again"
            )
        return cls(sequences=sequences, token_id_T=token_id_T, segment_T=segment_T, offset_S1=offset_S1)

    def plan(self, spec: RunSpec) -> list[list[int]]:
        return batches(self.sequences.n_tokens_S, spec.tokens_per_batch)

    def batch(self, positions: list[int]) -> TokenBatch:
        taken_T = self._taken(positions)
        lengths_S = self.sequences.n_tokens_S[positions]
        return TokenBatch(
            token_id_T=self.token_id_T[taken_T],
            segment_T=self.segment_T[taken_T],
            offset_N1=np.concatenate([[0], np.cumsum(lengths_S)]).astype(np.int64),
        )

    def rows(self, positions: list[int]) -> npt.NDArray[np.int64]:
        """Rows of the whole run of a batch's tokens."""
        spans = [(self.sequences.first_row_S[i], self.sequences.n_tokens_S[i]) for i in positions]
        return np.concatenate([np.arange(first, first + n) for first, n in spans])

    def quarantined(
        self, empty_R: npt.NDArray[np.bool_], first_row: int, failed: Sequence[Quarantined]
    ) -> list[Quarantined]:
        """The examples without values in the stored bytes, whoever stored them, and why."""
        reasons = {item.example: item.reason for item in reversed(failed)}
        example_T = np.repeat(self.sequences.example_S, self.sequences.n_tokens_S)
        empty_T = empty_R[self.sequences.rows() - first_row]
        return [
            Quarantined(example=example, reason=reasons.get(example, ADOPTED_EMPTY))
            for example in np.unique(example_T[empty_T]).tolist()
        ]

    def example_of_row(self, row: int) -> int:
        position = int(np.searchsorted(self.sequences.first_row_S, row, side="right")) - 1
        return int(self.sequences.example_S[position])

    def _taken(self, positions: list[int]) -> npt.NDArray[np.int64]:
        return np.concatenate([np.arange(self.offset_S1[i], self.offset_S1[i + 1]) for i in positions])


def _place(
    writer: ShardWriter,
    inputs: _ShardInputs,
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
