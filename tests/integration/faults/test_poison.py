"""Poison examples: quarantined, named, and left out by every reader; the rest is stored."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from actstore.plan.batching import batches
from actstore.schema.tokens import TokenBatch
from actstore.session import Store
from actstore.store import catalog, runs
from actstore.store.reader import RunReader
from actstore.store.tokens import read_sequences
from actstore.store.verify import verify_store
from jobs.console import Console
from jobs.extract import exit_code
from tests.support.drivers import extract_with, manifest_of
from tests.support.small_store import FormulaExtractor, SmallStore, prepare

N_EXAMPLES = 40


class PoisonExtractor(FormulaExtractor):
    """Fails on the sequences whose token ids are listed under "bad"."""

    def forward(self, batch: TokenBatch) -> dict[str, npt.NDArray[np.float32]]:
        found = np.split(batch.token_id_T, batch.offset_N1[1:-1])
        if any(ids.tolist() in self.bad for ids in found):
            raise RuntimeError("this text is poison")
        return super().forward(batch)


def open_poisoned(arguments: Mapping[str, Any]) -> PoisonExtractor:
    extractor = PoisonExtractor(arguments)
    extractor.bad = arguments.get("bad", [])
    return extractor


def poisoned(place: Path, tokens_per_batch: int = 64, **examples: list[int]) -> SmallStore:
    small = prepare(
        place, n_examples=N_EXAMPLES, checkpoints=tuple(examples), tokens_per_batch=tokens_per_batch
    )
    for name, numbers in examples.items():
        ids = {number: token_ids(small, number) for number in range(N_EXAMPLES)}
        small.arguments[name]["bad"] = [ids[number] for number in numbers]
        assert sum(value in small.arguments[name]["bad"] for value in ids.values()) == len(numbers)
    return small


def token_ids(small: SmallStore, example: int) -> list[int]:
    mask = small.tables.tokens.column("example").to_numpy() == example
    return small.tables.tokens.column("token_id").to_numpy()[mask].tolist()


def used_without(small: SmallStore, left_out: set[int]) -> npt.NDArray[np.bool_]:
    return ~np.isin(small.tables.tokens.column("example").to_numpy(), list(left_out))


@pytest.fixture
def small(tmp_path: Path) -> SmallStore:
    return poisoned(tmp_path / "store", base=[7, 20], tuned=[9])


def test_receipt_manifest_and_exit_code_say_so(small: SmallStore) -> None:
    reports = extract_with(small, open_extractor=open_poisoned)
    assert [report.failures for report in reports] == [(), ()]
    assert [[item.example for item in report.quarantined] for report in reports] == [[7, 20], [9]]
    assert manifest_of(small).n_quarantined == 2
    assert exit_code(reports, Console(as_json=False)) == 1
    receipts = runs.read_receipts(small.objects, small.specs["base"].run_id).values()
    found = {item.example: item.reason for receipt in receipts for item in receipt.quarantined}
    assert found == {7: "RuntimeError: this text is poison", 20: "RuntimeError: this text is poison"}
    assert {info.n_quarantined for info in catalog.list_runs(small.objects)} == {1, 2}
    assert verify_store(small.objects) == []


def test_every_way_of_reading_leaves_them_out(small: SmallStore) -> None:
    extract_with(small, open_extractor=open_poisoned)
    keep_T = used_without(small, {7, 20})
    expected = small.expected("base", 1)[keep_T]
    row_T = small.tables.tokens.column("row").to_numpy()[keep_T]
    reader = RunReader(small.objects, small.specs["base"].run_id)
    np.testing.assert_array_equal(reader.read("L01"), expected)
    for step in (None, 3):
        steps = list(reader.scan("L01", rows_per_step=step))
        assert np.concatenate([row_T for row_T, _ in steps]).tolist() == row_T.tolist()
        np.testing.assert_array_equal(np.concatenate([v for _, v in steps]), expected)
    assert sorted(np.concatenate([r for r, _ in reader.shuffled("L01", seed=0)]).tolist()) == row_T.tolist()
    assert reader.examples("L01", 5, 10).example_N.tolist() == [5, 6, 8, 9]
    answer = Store(small.objects).query(["base"], "small", layers=[1]).read_all()
    np.testing.assert_array_equal(np.stack(answer.column("activation").to_pylist()), expected)


def test_pairs_take_the_intersection(small: SmallStore) -> None:
    extract_with(small, open_extractor=open_poisoned)
    answer = Store(small.objects).query(["base", "tuned"], "small", layers=[2]).read_all()
    keep_T = used_without(small, {7, 9, 20})
    for name in ("base", "tuned"):
        mine = answer.filter(np.array(answer.column("checkpoint").to_pylist()) == name)
        assert set(mine.column("example").to_pylist()) == set(range(N_EXAMPLES)) - {7, 9, 20}
        values_TD = np.stack(mine.column("activation").to_pylist())
        np.testing.assert_array_equal(values_TD, small.expected(name, 2)[keep_T])


def test_a_batch_of_poison_alone_does_not_fail_its_shard(tmp_path: Path) -> None:
    plain = prepare(tmp_path / "plain", n_examples=N_EXAMPLES, tokens_per_batch=20)
    spec = plain.specs["base"]
    every = read_sequences(plain.objects, spec.text_id, spec.tokens_id)
    shards = [every.within_rows(*spec.shard_range(shard)) for shard in range(spec.n_shards)]
    bad = next(
        sorted(sequences.example_S[batch].tolist())
        for sequences in shards
        for batch in batches(sequences.n_tokens_S, spec.tokens_per_batch)
        if 1 < len(batch) < len(sequences)
    )
    small = poisoned(tmp_path / "store", tokens_per_batch=20, base=bad)
    (report,) = extract_with(small, open_extractor=open_poisoned)
    assert report.failures == ()
    assert [item.example for item in report.quarantined] == bad


def test_a_model_that_always_fails_stores_nothing(tmp_path: Path) -> None:
    small = poisoned(tmp_path / "store", base=list(range(N_EXAMPLES)))
    (report,) = extract_with(small, open_extractor=open_poisoned)
    assert report.manifest is None
    assert {failure.kind for failure in report.failures} == {"ModelError"}
    assert runs.done_shards(small.objects, small.specs["base"].run_id) == set()
