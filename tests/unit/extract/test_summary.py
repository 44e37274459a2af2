"""What an extraction's receipts add up to, told in words and kept in the store."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from actstore.extract.summary import store_summary, summarise
from actstore.schema.receipts import ObjectRecord, Receipt
from actstore.store.root import create_root
from jobs.console import Console
from jobs.watch import tell_summary

STARTED = datetime(2026, 1, 31, 12, 0, 5, tzinfo=UTC)


def receipt(shard: int, n_tokens: int = 100, run_id: str = "a", **measured: Any) -> Receipt:
    stored = ObjectRecord(array="L00", key=f"L00/c/{shard}/0", bytes=1000, sha256="0" * 64)
    return Receipt(
        run_id=run_id, shard=shard, first_row=0, n_rows=128, n_tokens=n_tokens, objects=(stored, stored),
        measured={"worker": "host:1", "load_seconds": 2.0, **measured},
    )  # fmt: skip


def test_receipts_add_up() -> None:
    found = summarise(
        [
            receipt(0, 100, padding_waste=0.5, forward_seconds=3.0, write_seconds=1.0),
            receipt(1, 300, padding_waste=0.0, forward_seconds=4.0, cast_wait_seconds=1.0, halved_batches=2),
            receipt(0, 100, run_id="b", worker="host:2", load_seconds=2.5, forward_seconds=1.5),
        ],
        started=STARTED,
        seconds=10.0,
        n_failed=1,
    )
    assert (found.n_tokens, found.bytes, found.n_shards, found.n_failed) == (500, 6000, 3, 1)
    assert found.tokens_per_second == 50
    assert found.padding_waste == pytest.approx(1 - 500 / 600)
    assert (found.n_workers, found.load_seconds, found.halved_batches) == (2, 4.5, 2)
    assert found.stage_seconds["forward"] == 8.5
    assert found.runs == {"a": 2, "b": 1}
    assert sum(found.model_shares.values()) == pytest.approx(1.0)
    assert not found.disk_is_the_limit


def test_the_disk_is_called_the_limit_where_the_model_waits_for_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    waiting = receipt(0, forward_seconds=8.0, wait_for_disk_seconds=2.0)
    slow = summarise([waiting], started=STARTED, seconds=10.0)
    assert slow.disk_is_the_limit
    tell_summary(slow, "place", Console())
    said = capsys.readouterr().err
    assert "20% for the disk" in said
    assert "the disk is the limit" in said
    fast = summarise(
        [receipt(0, forward_seconds=98.0, wait_for_disk_seconds=2.0)], started=STARTED, seconds=1
    )
    tell_summary(fast, "place", Console())
    assert "the disk is the limit" not in capsys.readouterr().err


def test_nothing_done_is_told_without_shares(capsys: pytest.CaptureFixture[str]) -> None:
    nothing = summarise([], started=STARTED, seconds=0.0)
    tell_summary(nothing, "place", Console())
    assert capsys.readouterr().err.startswith("0 tokens in 0 s")


def test_it_is_kept_by_its_time(tmp_path: Path) -> None:
    objects = create_root(str(tmp_path))
    summary = summarise([receipt(0, forward_seconds=1.0)], started=STARTED, seconds=2.0)
    key = store_summary(objects, summary)
    assert key.startswith("extractions/20260131T120005Z-")
    assert json.loads(objects.read(key)) == summary.to_dict()
    assert store_summary(objects, summary) == key
