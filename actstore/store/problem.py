"""Problem: one thing in a store that is not as its records say."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing that is not as it should be."""

    kind: str
    """missing, size, altered, unreadable, unreceipted, receipt, manifest, spec, table, labels, name,
    trained."""
    key: str
    message: str
    run_id: str | None = None
    shard: int | None = None
    repairable: bool = True
    """Whether `verify --repair` followed by `extract` (or `finetune`) restores it."""
