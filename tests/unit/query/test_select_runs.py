"""Queries: which runs answer, whole or in part, and what is refused when they do not fit each other."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from actstore.errors import (
    AmbiguousRunError,
    IncomparableRunsError,
    IncompleteRunError,
    NotFoundError,
)
from actstore.query.select import BATCH_BYTES
from actstore.session import Store
from actstore.store import paths
from tests.support.asking import ask, places, row_of, values
from tests.support.pieces import with_pieces
from tests.support.small_store import prepare


def test_quarantined_examples_of_any_checkpoint_are_left_out(tmp_path: Path) -> None:
    made = prepare(
        tmp_path / "store", n_examples=20, checkpoints=("base", "tuned"), poison=9, blocks_per_shard=8,
        tokens_per_batch=512,
    )  # fmt: skip
    del made.arguments["tuned"]["poison"]
    made.extract()
    bad = {row["example"] for row in made.tables.tokens.to_pylist() if row["token_id"] == 9}
    assert Store(made.objects).run("base", "small").reader.quarantined == bad
    every = {n for n, _ in places(ask(made, "tuned"))}
    assert bad
    assert every - bad
    for checkpoints in (["base"], ["tuned", "base"]):
        table = ask(made, checkpoints)
        assert {n for n, _ in places(table)} == every - bad
        assert np.isfinite(values(table)).all()


def test_a_partial_run_gives_its_finished_shards(tmp_path: Path) -> None:
    made = prepare(tmp_path / "store", n_examples=20, checkpoints=("base", "tuned"))
    made.extract()
    spec = made.specs["base"]
    every = ask(made)
    for key in (
        paths.manifest(spec.run_id),
        paths.sealed_receipts(spec.run_id),
        paths.receipt(spec.run_id, 1),
    ):
        made.objects.delete(key)
    with pytest.raises(IncompleteRunError, match="allow_partial"):
        ask(made)
    first, end = spec.shard_range(1)
    kept = [not first <= row < end for row in row_of(made).values()]
    assert 0 < sum(kept) < len(kept)
    assert ask(made, allow_partial=True).equals(every.filter(pa.array(kept)))
    both = ask(made, ["tuned", "base"], allow_partial=True)
    assert both.num_rows == 2 * sum(kept)
    words = ask(made, unit="word", allow_partial=True)
    assert 0 < words.num_rows < ask(made, "tuned", unit="word").num_rows


def test_runs_of_different_tokenisations_are_not_compared(tmp_path: Path) -> None:
    made = prepare(tmp_path / "store", n_examples=8, checkpoints=("base", "tuned"))
    other = with_pieces(made)
    mixed = replace(made, specs={"base": made.specs["base"], "tuned": other.specs["tuned"]})
    mixed.extract()
    with pytest.raises(IncomparableRunsError, match="tokens_id") as caught:
        ask(mixed, ["base", "tuned"])
    assert made.specs["base"].tokens_id in str(caught.value)
    assert ask(mixed, "base").num_rows == made.tables.tokens.num_rows
    assert ask(mixed, "tuned").num_rows == sum(other.tables.tokens.column("best_context").to_pylist())


def test_several_fitting_runs_are_listed_and_one_can_be_named(tmp_path: Path) -> None:
    made = prepare(tmp_path / "store", n_examples=8)
    halves = replace(made, specs={"base": replace(made.specs["base"], dtype="float16")})
    made.extract()
    halves.extract()
    ids = [store.specs["base"].run_id for store in (made, halves)]
    with pytest.raises(AmbiguousRunError, match="--run") as caught:
        ask(made)
    assert all(run_id in str(caught.value) for run_id in ids)
    for run_id, item in zip(ids, (pa.float32(), pa.float16()), strict=True):
        assert ask(made, run=run_id).schema.field("activation").type == pa.list_(item, 8)
    with pytest.raises(NotFoundError, match="f" * 20):
        ask(made, run="f" * 20)


@pytest.mark.parametrize(
    ("dtype", "item"),
    [
        ("float16", pa.float16()),
        ("float32", pa.float32()),
        ("bfloat16", pa.float32()),
        ("int8", pa.float32()),
    ],
)
def test_activations_are_float16_or_float32(dtype: str, item: pa.DataType, tmp_path: Path) -> None:
    made = prepare(tmp_path / "store", n_examples=6, dtype=dtype)
    made.extract()
    for unit in ("token", "word"):
        table = ask(made, unit=unit)
        assert table.schema == pa.schema([
            ("checkpoint", pa.string()), ("corpus", pa.string()), ("example", pa.int32()),
            (unit, pa.int32()), ("text", pa.string()), ("layer", pa.int32()), ("site", pa.string()),
            ("activation", pa.list_(item, 8)),
        ])  # fmt: skip
    assert np.allclose(values(ask(made)), made.expected("base", 1), atol=0.05)


def test_batches_are_bounded(tmp_path: Path) -> None:
    width = 1 << 14
    made = prepare(tmp_path / "store", n_examples=40, width=width, n_layers=0)
    made.extract()
    batches = list(Store(made.objects).query("base", "small", layers=[0]))
    assert len(batches) > 1
    assert all(batch.num_rows * width * 4 <= BATCH_BYTES for batch in batches)
    flat = np.concatenate([batch.column("activation").flatten().to_numpy() for batch in batches])
    assert np.array_equal(flat.reshape(-1, width), made.expected("base", 0))
