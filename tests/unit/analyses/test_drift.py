"""Drift: what is planned, what is refused, what a unit computes and how means are streamed."""

import math
import pickle
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from actstore.errors import IncomparableRunsError, NotFoundError, WorkError
from actstore.schema.spec import RunSpec
from actstore.schema.tables import RESULTS
from analyses.drift.plan import DriftCorpus, plan_drift
from analyses.drift.summary import COLUMNS, as_curves, summarise
from analyses.drift.work import DriftWork
from analyses.report import drift_table

SPEC = RunSpec(
    trunk_sha256="0" * 64, text_id="t", tokens_id="k", sites=("L00", "L01", "L01.attn"), widths=(4, 4, 4),
    n_rows=40, block_rows=16, blocks_per_shard=1, chunk_rows=8, tokens_per_batch=64, dtype="float32",
)  # fmt: skip
OTHER = replace(SPEC, trunk_sha256="1" * 64)
CORPUS = DriftCorpus(name="c", runs={"a": SPEC, "b": OTHER}, excluded={"b": (1,)})


class Rows:
    """A source of 40 rows: example r // 4, and row 5 is not the best context of its token."""

    def __init__(self) -> None:
        rng = np.random.default_rng(0)
        self.values = {spec.run_id: rng.normal(size=(40, 4)).astype(np.float32) for spec in (SPEC, OTHER)}

    def tokens(self, tokens_id, columns, rows=None):
        row_T = np.arange(*rows)
        table = {"example": row_T // 4, "token": row_T % 4, "row": row_T, "best_context": row_T != 5}
        return pa.table({name: table[name] for name in columns})

    def gather(self, run_id, site, row_T):
        return self.values[run_id][row_T] + int(site[1:])


def test_a_unit_for_each_pair_corpus_layer_and_shard():
    units = plan_drift([("a", "b"), ("b", "a")], [CORPUS, replace(CORPUS, name="d")])
    assert len(units) == len({unit.key for unit in units}) == 2 * 2 * 2 * 3
    first = units[0]
    assert first.group == "k"
    assert first.key.startswith("L00-S000000-")
    assert [(u.args.first_row, u.args.end_row, u.weight) for u in units[:3]] == [
        (0, 16, 16),
        (16, 32, 16),
        (32, 40, 8),
    ]
    assert first.args.excluded == (1,)
    assert (first.args.run_a, first.args.run_b) == (SPEC.run_id, OTHER.run_id)
    assert {u.args.layer for u in units} == {0, 1}
    assert plan_drift([("a", "b")], [CORPUS]) == units[:6]
    assert pickle.loads(pickle.dumps(units)) == units


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"tokens_id": "x"}, IncomparableRunsError, r"a and b on c differ in tokens_id \(k and x\)"),
        ({"widths": (4, 6, 4)}, IncomparableRunsError, "layer 1 of a and b on c has 4 and 6 units"),
        ({"sites": ("L05",), "widths": (4,)}, NotFoundError, "a and b have no stored layer in common on c"),
    ],
)
def test_runs_that_can_not_be_compared(change, error, message):
    with pytest.raises(error, match=message):
        plan_drift([("a", "b")], [replace(CORPUS, runs={"a": SPEC, "b": replace(OTHER, **change)})])


def test_a_run_that_is_not_there():
    with pytest.raises(NotFoundError, match="no run of z over c; there are a, b: extract it first"):
        plan_drift([("a", "z")], [CORPUS])


@pytest.mark.parametrize("rows_per_step", [3, 100])
def test_what_a_unit_computes(rows_per_step):
    source = Rows()
    task = DriftWork(source=source, rows_per_step=rows_per_step).open("k")
    table = task.do(plan_drift([("a", "b")], [CORPUS])[3])
    task.close()
    assert table.schema == RESULTS["drift"]
    kept = [row for row in range(16) if row // 4 != 1]
    assert table.column("example").to_pylist() == [row // 4 for row in kept]
    assert table.column("token").to_pylist() == [row % 4 for row in kept]
    assert set(table.column("layer").to_pylist()) == {1}
    for row, cosine, moved in zip(
        kept, *(table.column(n).to_pylist() for n in ("cosine", "relative_l2")), strict=True
    ):
        x_D, y_D = ((source.values[spec.run_id][row] + 1).astype(np.float64) for spec in (SPEC, OTHER))
        assert cosine == pytest.approx(x_D @ y_D / math.sqrt((x_D @ x_D) * (y_D @ y_D)), abs=1e-6)
        assert moved == pytest.approx(np.linalg.norm(y_D - x_D) / np.linalg.norm(x_D), rel=1e-6)


def test_a_token_out_of_its_best_context_is_not_in_the_table():
    corpus = replace(CORPUS, excluded={})
    table = DriftWork(source=Rows()).open("k").do(plan_drift([("a", "b")], [corpus])[0])
    assert table.num_rows == 15


@pytest.mark.parametrize(
    ("value", "why"), [(np.nan, "is not finite"), (np.inf, "is not finite"), (0.0, "is zero")]
)
def test_rows_without_a_direction_are_named(value, why):
    source = Rows()
    source.values[OTHER.run_id][9] = value
    with pytest.raises(WorkError, match=rf"b \(run {OTHER.run_id}\), L00, example 2, token 1: row 9 {why}"):
        DriftWork(source=source).open("k").do(plan_drift([("a", "b")], [CORPUS])[0])


def batch(corpus, layer, cosines, moved):
    n = len(cosines)
    columns = [[corpus] * n, ["a"] * n, ["b"] * n, [layer] * n, cosines, moved]
    types = [RESULTS["drift"].field(name).type for name in COLUMNS]
    return pa.record_batch(
        [pa.array(*pair) for pair in zip(columns, types, strict=True)], names=list(COLUMNS)
    )


def test_means_of_batches_are_means_of_the_whole():
    whole = summarise([batch("c", 0, [0.5, 0.25, 0.75], [1.0, 2.0, 0.0]), batch("d", 1, [1.0], [0.0])])
    parts = summarise(
        [batch("c", 0, [0.5], [1.0]), batch("d", 1, [1.0], [0.0]), batch("c", 0, [0.25, 0.75], [2.0, 0.0])]
    )
    assert whole == parts
    assert whole.to_pylist()[0] == {
        "corpus": "c", "checkpoint_a": "a", "checkpoint_b": "b", "layer": 0, "n_tokens": 3,
        "mean_cosine": 0.5, "least_cosine": 0.25, "mean_relative_l2": 1.0,
    }  # fmt: skip
    assert summarise([]).num_rows == 0
    (first, _) = as_curves(whole, "moved").to_pylist()
    assert (first["measure"], first["value"], first["layer_a"], first["layer_b"]) == ("drift", 0.5, 0, 0)
    table = drift_table(whole, digits=2)
    assert table.headers == ("layer", "a : b on c", "a : b on d")
    assert table.rows[0][:2] == ("0", "0.50 (1.00)")
    assert table.title == "mean cosine and mean relative change (1 to 3 tokens)"
