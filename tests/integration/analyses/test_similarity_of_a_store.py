"""Similarity read from a real store, through the executor port, to a stored result and its figure."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from actstore.schema.ports import Resources
from actstore.serial import SerialExecutor
from actstore.store.reader import RunReader
from actstore.store.results import ResultWriter
from actstore.store.source import StoreSource
from analyses.figures.layers import layer_curves
from analyses.readers.sample import COLUMNS, SampleSpec, draw
from analyses.report import similarity_table
from analyses.similarity.plan import plan_units
from analyses.similarity.request import SimilarityBlock, StoredCorpus, StoredRun
from analyses.similarity.rows import SCHEMA
from analyses.similarity.rsa import rsa
from analyses.similarity.work import SimilarityWork
from tests.support.small_store import SmallStore, prepare

BLOCK = SimilarityBlock(
    name="first-figure",
    pairs=(("base", "tuned"),),
    measures=("rsa", "cka-debiased"),
    sample=SampleSpec(n_tokens=90),
)


def stored_corpus(store: SmallStore) -> StoredCorpus:
    runs = {
        name: StoredRun(
            checkpoint=name,
            run_id=spec.run_id,
            tokens_id=spec.tokens_id,
            sites=spec.sites,
            widths=spec.widths,
            n_rows=spec.n_rows,
            replicate=1,
        )
        for name, spec in store.specs.items()
    }
    readers = [RunReader(store.objects, run.run_id) for run in runs.values()]
    excluded = frozenset().union(*(reader.quarantined for reader in readers))
    return StoredCorpus(name="small", runs=runs, excluded=tuple(sorted(excluded)))


def compare(store: SmallStore, place: Path, block: SimilarityBlock, corpus: StoredCorpus) -> list[pa.Table]:
    units = plan_units(block, [corpus]).tables
    work = SimilarityWork(source=StoreSource(str(place)), device="cpu", rows_per_step=50)
    outcomes = {item.unit.key: item for item in SerialExecutor().map(work, units, Resources())}
    failures = [item.failure for item in outcomes.values() if item.failure]
    assert not failures, failures[0]
    return [outcomes[unit.key].result for unit in units]


@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_from_stored_runs_to_table_and_figure(tmp_path, dtype):
    store = prepare(tmp_path / "store", checkpoints=("base", "tuned"), dtype=dtype)
    store.extract()
    corpus = stored_corpus(store)
    tables = compare(store, tmp_path / "store", BLOCK, corpus)

    spec = store.specs["base"]
    tokens = StoreSource(str(tmp_path / "store")).tokens(spec.tokens_id, COLUMNS)
    sample = draw(tokens, BLOCK.sample)
    at = np.searchsorted(tokens.column("row").to_numpy(), sample.row_T)
    for layer, table in enumerate(tables):
        expected = rsa(*(store.expected(name, layer)[at].astype(float) for name in ("base", "tuned")))
        found = {row["measure"]: row["value"] for row in table.to_pylist()}
        assert found["rsa"] == pytest.approx(expected, abs=1e-6 if dtype == "float32" else 1e-3)

    writer = ResultWriter(store.objects, "similarity", BLOCK.name, "0" * 20)
    units = plan_units(BLOCK, [corpus]).tables
    for unit, table in zip(units, tables, strict=True):
        writer.put_part(unit.key, table)
    assert writer.done_units() == {unit.key for unit in units}
    whole = writer.read_parts([unit.key for unit in units], SCHEMA)
    figure = layer_curves(whole).files("rsa")
    assert all(Path(writer.put_file(name, data)).exists() for name, data in figure.items())
    assert [table.title for table in similarity_table(whole)] == [
        "rsa (90 tokens)",
        "cka-debiased (90 tokens)",
    ]


def test_quarantined_examples_are_left_out_or_named(tmp_path):
    store = prepare(
        tmp_path / "store", checkpoints=("base", "tuned"), poison=9, blocks_per_shard=8, tokens_per_batch=512
    )
    del store.arguments["tuned"]["poison"]
    store.extract()
    corpus = stored_corpus(store)
    assert corpus.excluded
    every = replace(BLOCK, sample=SampleSpec(n_tokens=None))
    tables = compare(store, tmp_path / "store", every, corpus)
    kept = [example.words for number, example in enumerate(store.examples) if number not in corpus.excluded]
    assert tables[0].column("n_tokens").to_pylist() == [sum(map(len, kept))] * 2

    careless = plan_units(every, [replace(corpus, excluded=())]).tables
    work = SimilarityWork(source=StoreSource(str(tmp_path / "store")), device="cpu")
    outcome = next(iter(SerialExecutor().map(work, careless, Resources())))
    assert outcome.failure is not None
    assert outcome.failure.kind == "WorkError"
    assert f"example {corpus.excluded[0]}," in outcome.failure.message
    assert "not finite" in outcome.failure.message
