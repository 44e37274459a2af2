"""Watch: what a person, a log and Ray's metrics are told while shards are extracted, and at the end."""

import time
from collections.abc import Callable
from datetime import UTC, datetime

from actstore.extract.driver import RunPlan
from actstore.extract.summary import Summary, summarise
from actstore.schema.ports import Outcome
from actstore.schema.receipts import Receipt
from jobs.console import Bar, Console, counted, human_bytes, human_seconds
from jobs.log import Log


class Watch:
    """Told every shard's outcome; keeps the receipts for the summary. `metrics` are Ray's, if any."""

    def __init__(self, bar: Bar, log: Log, metrics: Callable[[Outcome], None] | None = None) -> None:
        self._bar, self._log, self._metrics = bar, log, metrics
        self._receipts: list[Receipt] = []
        self._workers: set[str] = set()
        self._n_tokens = self._n_bytes = self._n_failed = 0
        self._begun, self._started = datetime.now(UTC), time.monotonic()

    def receipt(self, plan: RunPlan, receipt: Receipt, outcome: Outcome) -> None:
        """A shard is durable."""
        self._receipts.append(receipt)
        self._workers.add(outcome.worker)
        self._n_tokens += receipt.n_tokens
        self._n_bytes += sum(item.bytes for item in receipt.objects)
        rate = self._n_tokens / max(time.monotonic() - self._started, 1e-9)
        self._bar.advance(
            1, f"{rate:,.0f} tokens/s, {human_bytes(self._n_bytes)} written, "
            f"{counted(len(self._workers), 'worker')}: {plan.checkpoint} over {plan.corpus}",
        )  # fmt: skip
        self._tell(plan, outcome, "shard", n_tokens=receipt.n_tokens, measured=receipt.measured)

    def failure(self, plan: RunPlan, outcome: Outcome) -> None:
        """A shard failed."""
        self._n_failed += 1
        failure = outcome.failure
        assert failure is not None
        self._tell(
            plan, outcome, "failed", kind=failure.kind, message=failure.message, details=failure.details
        )

    def end(self) -> Summary:
        """The summary of all that was told."""
        summary = summarise(
            self._receipts, started=self._begun, seconds=time.monotonic() - self._started,
            n_failed=self._n_failed,
        )  # fmt: skip
        self._log.event("summary", **summary.to_dict())
        return summary

    def _tell(self, plan: RunPlan, outcome: Outcome, event: str, **fields: object) -> None:
        if self._metrics is not None:
            self._metrics(outcome)
        self._log.event(
            event, run=plan.spec.run_id, shard=outcome.unit.args.shard, checkpoint=plan.checkpoint,
            corpus=plan.corpus, worker=outcome.worker, attempts=outcome.attempts, **fields,
        )  # fmt: skip


def tell_summary(summary: Summary, url: str, console: Console) -> None:
    """What the end of an extraction says."""
    console.remark(
        f"{summary.n_tokens:,} tokens in {human_seconds(summary.seconds)} "
        f"({summary.tokens_per_second:,.0f} tokens/s, {counted(summary.n_workers, 'worker')}), "
        f"{human_bytes(summary.bytes)} written to {url}"
    )
    if not summary.n_shards:
        return
    shares, seconds = summary.model_shares, summary.stage_seconds
    console.remark(
        f"the model computed {shares['forward']:.0%} of its time, waited {shares['cast_wait']:.0%} for "
        f"casting and {shares['wait_for_disk']:.0%} for the disk; beside it "
        f"{human_seconds(seconds['read'])} reading, {human_seconds(seconds['write'])} writing, "
        f"{human_seconds(summary.load_seconds)} loading; "
        f"{summary.padding_waste:.1%} of the tokens it saw were padding"
    )
    if summary.disk_is_the_limit:
        console.remark("the disk is the limit: fewer workers or sites, a smaller dtype or a faster disk")
    if summary.halved_batches:
        console.remark(
            f"{summary.halved_batches} batches did not fit into memory and were halved: the last bits of "
            "their values, and so the content hash, may differ from another run's; set a smaller "
            "tokens_per_batch"
        )
