"""Summary: how an extraction went, added up from what its receipts measured. Pure but for storing it."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from actstore.schema import canonical_json
from actstore.schema.receipts import Receipt
from actstore.store import paths
from actstore.store.objects import Objects
from actstore.store.records import create_record

MODEL_STAGES = ("forward", "cast_wait", "wait_for_disk")
"""What the time of a worker's model goes into; reading and writing go on beside it."""
STAGES = (*MODEL_STAGES, "read", "write")
DISK_IS_THE_LIMIT = 0.1
"""Share of its time that a model waits for writes from which on the disk is called the limit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """One extraction: all its new shards together."""

    started: str
    """Time in ISO 8601."""
    seconds: float
    n_workers: int
    """Workers that did a shard."""
    n_shards: int
    n_failed: int
    n_tokens: int
    bytes: int
    padding_waste: float
    """Share of the padded tokens that are padding."""
    halved_batches: int
    load_seconds: float
    """Loading checkpoints, over all workers."""
    stage_seconds: dict[str, float]
    """By stage, over all workers: the model computing, waiting for the cast and for the disk; read, write."""
    runs: dict[str, int]
    """New shards by run."""

    @property
    def tokens_per_second(self) -> float:
        return self.n_tokens / max(self.seconds, 1e-9)

    @property
    def model_shares(self) -> dict[str, float]:
        """Share of the model's time by stage; they add up to 1."""
        total = sum(self.stage_seconds[stage] for stage in MODEL_STAGES)
        return {stage: self.stage_seconds[stage] / max(total, 1e-9) for stage in MODEL_STAGES}

    @property
    def disk_is_the_limit(self) -> bool:
        return self.model_shares["wait_for_disk"] > DISK_IS_THE_LIMIT

    def to_dict(self) -> dict[str, Any]:
        return {
            **asdict(self),
            "tokens_per_second": self.tokens_per_second,
            "disk_is_the_limit": self.disk_is_the_limit,
        }


def summarise(
    receipts: Sequence[Receipt], *, started: datetime, seconds: float, n_failed: int = 0
) -> Summary:
    """Add up new receipts. What a receipt did not measure counts as zero."""
    padded = sum(receipt.n_tokens / (1 - float(_number(receipt, "padding_waste"))) for receipt in receipts)
    n_tokens = sum(receipt.n_tokens for receipt in receipts)
    loads = {(item.measured.get("worker"), _number(item, "load_seconds")) for item in receipts}
    runs: dict[str, int] = {}
    for receipt in receipts:
        runs[receipt.run_id] = runs.get(receipt.run_id, 0) + 1
    return Summary(
        started=started.isoformat(timespec="seconds"),
        seconds=seconds,
        n_workers=len({receipt.measured.get("worker") for receipt in receipts}),
        n_shards=len(receipts),
        n_failed=n_failed,
        n_tokens=n_tokens,
        bytes=sum(item.bytes for receipt in receipts for item in receipt.objects),
        padding_waste=1 - n_tokens / padded if padded else 0.0,
        halved_batches=int(sum(_number(receipt, "halved_batches") for receipt in receipts)),
        load_seconds=sum(load_seconds for _, load_seconds in loads),
        stage_seconds={
            stage: sum(_number(receipt, f"{stage}_seconds") for receipt in receipts) for stage in STAGES
        },
        runs=runs,
    )


def store_summary(objects: Objects, summary: Summary) -> str:
    """Create the summary's record; returns its key. Nothing reads it to find activations."""
    value = summary.to_dict()
    digest = hashlib.sha256(canonical_json(value).encode()).hexdigest()[:8]
    time = summary.started.replace(":", "").replace("-", "").replace("+0000", "Z")
    key = paths.extraction(f"{time}-{digest}")
    create_record(objects, key, value)
    return key


def _number(receipt: Receipt, key: str) -> float:
    measured: Mapping[str, Any] = receipt.measured
    return float(measured.get(key, 0.0))
