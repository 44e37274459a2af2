"""From a study's block to rows of the table `similarity`, over a source that is an array in memory."""

import pickle
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pytest

from actstore.errors import IncomparableRunsError, NotFoundError, RequestError, WorkError
from actstore.schema.ports import Unit
from actstore.schema.tables import RESULTS
from analyses.readers.sample import SampleSpec
from analyses.similarity.pairs import resolve_pairs
from analyses.similarity.plan import plan_units
from analyses.similarity.request import SimilarityBlock, StoredCorpus, StoredRun
from analyses.similarity.rsa import rsa
from analyses.similarity.work import SimilarityWork

N_EXAMPLES, LENGTH, WIDTH = 40, 8, 6
SITES = ("L00", "L01", "L02", "final")


@dataclass(frozen=True)
class ArraySource:
    """An ActivationSource of arrays: runs by id, then site."""

    values: Mapping[str, Mapping[str, npt.NDArray[np.float16]]]

    def tokens(self, tokens_id: str, columns: Sequence[str]) -> pa.Table:
        position = np.tile(np.arange(LENGTH), N_EXAMPLES)
        table = {
            "example": np.repeat(np.arange(N_EXAMPLES), LENGTH),
            "token": position,
            "row": np.arange(N_EXAMPLES * LENGTH),
            "special": (position == 0) | (position == LENGTH - 1),
            "window": np.zeros_like(position),
            "best_context": np.ones_like(position, dtype=bool),
        }
        return pa.table({name: table[name] for name in columns})

    def gather(self, run_id: str, site: str, row_T: npt.NDArray[np.int64]) -> npt.NDArray[np.float16]:
        return self.values[run_id][site][row_T]

    def scan(
        self, run_id: str, site: str, *, rows_per_step: int
    ) -> Iterator[tuple[npt.NDArray[np.int64], npt.NDArray[np.float16]]]:
        raise AssertionError("samples are gathered")


def make_source(**changed: npt.NDArray[np.float16]) -> ArraySource:
    rng = np.random.default_rng(0)
    base = {site: rng.standard_normal((N_EXAMPLES * LENGTH, WIDTH)) + 1 for site in SITES}
    tuned = {site: value + 0.4 * k * rng.standard_normal(value.shape) for k, (site, value) in
             enumerate(base.items())}  # fmt: skip
    values = {
        name: {site: value.astype(np.float16) for site, value in run.items()}
        for name, run in (("run-base", base), ("run-tuned", tuned))
    }
    for site, value in changed.items():
        values["run-tuned"] = {**values["run-tuned"], site: value}
    return ArraySource(values)


def stored(checkpoint: str, tokens_id: str = "tok", replicate: int | None = None) -> StoredRun:
    return StoredRun(
        checkpoint=checkpoint,
        run_id=f"run-{checkpoint}",
        tokens_id=tokens_id,
        sites=SITES,
        replicate=replicate,
    )


def corpus(**changed: StoredRun) -> StoredCorpus:
    runs = {"base": stored("base"), "tuned": stored("tuned", replicate=3), **changed}
    return StoredCorpus(name="wiki", runs=runs)


BLOCK = SimilarityBlock(
    name="figure", pairs=(("base", "tuned"),), sample=SampleSpec(n_tokens=100), layers="matched"
)


def rows_of(block: SimilarityBlock, source: ArraySource | None = None, **options: int) -> list[dict]:
    work = SimilarityWork(source=source or make_source(), device="cpu", **options)
    work = pickle.loads(pickle.dumps(work))
    tables = []
    for unit in plan_units(block, [corpus()]):
        task = work.open(unit.group)
        tables.append(task.do(unit))
        task.close()
    assert all(table.schema == RESULTS["similarity"] for table in tables)
    return pa.concat_tables(tables).to_pylist()


def test_rows_are_the_rsa_of_the_sampled_tokens():
    source = make_source()
    rows = rows_of(BLOCK, source)
    assert [(row["layer_a"], row["layer_b"]) for row in rows] == [(0, 0), (1, 1), (2, 2)]
    task = SimilarityWork(source=source, device="cpu").open("tok")
    sample = task.sample(BLOCK.sample)
    for row, site in zip(rows, SITES, strict=False):
        x, y = (source.gather(run, site, sample.row_T).astype(float) for run in ("run-base", "run-tuned"))
        assert row["value"] == pytest.approx(rsa(x, y), abs=1e-6)
        assert row["n_tokens"] == 100
        assert (row["low"], row["high"], row["replicate"]) == (None, None, 3)
        assert (row["checkpoint_a"], row["checkpoint_b"], row["corpus"]) == ("base", "tuned", "wiki")
    assert rows[0]["value"] == pytest.approx(1.0, abs=1e-6)
    assert rows[0]["value"] > rows[1]["value"] > rows[2]["value"]


def test_steps_change_nothing():
    few, many = (rows_of(BLOCK, rows_per_step=n) for n in (7, 1000))
    for a, b in zip(few, many, strict=True):
        assert a["value"] == pytest.approx(b["value"], abs=1e-6)


def test_all_tokens_and_all_layers():
    rows = rows_of(replace(BLOCK, layers="all", sample=SampleSpec(n_tokens=None)))
    assert len(rows) == 9
    assert {row["n_tokens"] for row in rows} == {N_EXAMPLES * (LENGTH - 2)}
    value = {(row["layer_a"], row["layer_b"]): row["value"] for row in rows}
    assert value[1, 1] > value[0, 1]


def test_seeds_are_samples_and_resamples_are_intervals():
    rows = rows_of(replace(BLOCK, seeds=(0, 1), layers=(2,), resamples=200))
    assert [row["seed"] for row in rows] == [0, 1]
    assert rows[0]["value"] != rows[1]["value"]
    for row in rows:
        assert row["low"] < row["value"] < row["high"]
        assert row["high"] - row["low"] < 0.3


def test_every_measure_in_one_pass():
    names = ("rsa", "cka", "cka-debiased", "svcca", "pwcca", "procrustes", "neighbours")
    few, many = (rows_of(replace(BLOCK, measures=names, layers=(0, 2)), rows_per_step=n) for n in (9, 1000))
    found = {(row["measure"], row["layer_a"]): row["value"] for row in few}
    assert {measure for measure, _ in found} == {*names, "pwcca-a-to-b", "pwcca-b-to-a", "procrustes-angle"}
    for name in names:
        assert found[name, 0] == pytest.approx(1.0, abs=1e-4)
        assert 0.1 < found[name, 2] < 0.99
    for row in many:
        assert row["value"] == pytest.approx(found[row["measure"], row["layer_a"]], abs=2e-3)


def test_unit_keys_are_unique_stable_file_names():
    block = replace(BLOCK, seeds=(0, 1), layers="all")
    units = plan_units(block, [corpus()])
    keys = [unit.key for unit in units]
    assert len(set(keys)) == len(keys) == 18
    assert keys == [unit.key for unit in plan_units(block, [corpus()])]
    assert all(len(key) < 64 and key.replace("-", "").isalnum() for key in keys)
    changed = plan_units(replace(block, resamples=10), [corpus()])
    assert not {unit.key for unit in changed} & set(keys)


def test_excluded_examples_are_in_no_sample():
    held = replace(corpus(), excluded=(0, 1, 2))
    unit = plan_units(replace(BLOCK, sample=SampleSpec(n_tokens=None)), [held])[0]
    table = SimilarityWork(source=make_source(), device="cpu").open(unit.group).do(unit)
    assert table.column("n_tokens").to_pylist() == [(N_EXAMPLES - 3) * (LENGTH - 2)]


def test_runs_of_other_tokens_are_refused_before_and_in_the_work():
    other = corpus(tuned=stored("tuned", tokens_id="other"))
    with pytest.raises(IncomparableRunsError, match="tokens_id"):
        plan_units(BLOCK, [other])
    unit = plan_units(BLOCK, [corpus()])[0]
    forged = Unit(key="x", group="tok", args=replace(unit.args, b=other.runs["tuned"]))
    with pytest.raises(IncomparableRunsError, match="tokens_id"):
        SimilarityWork(source=make_source(), device="cpu").open("tok").do(forged)


def test_a_bad_row_is_named_by_run_layer_and_token():
    bad = make_source().values["run-tuned"]["L01"].copy()
    bad[17] = 0
    with pytest.raises(WorkError, match=r"tuned \(run run-tuned\), L01, example 2, token 1: row 17 is zero"):
        rows_of(replace(BLOCK, sample=SampleSpec(n_tokens=None)), make_source(L01=bad))
    bad[17, 2] = np.nan
    with pytest.raises(WorkError, match="example 2, token 1: row 17 is not finite"):
        rows_of(replace(BLOCK, sample=SampleSpec(n_tokens=None)), make_source(L01=bad))


def test_a_source_that_answers_with_other_rows_is_refused():
    short = make_source(L00=np.ones((1, 1, WIDTH), np.float16).repeat(N_EXAMPLES * LENGTH, axis=0))
    with pytest.raises(WorkError, match="shape"):
        rows_of(BLOCK, short)


def test_too_few_tokens():
    with pytest.raises(RequestError, match="2 tokens"):
        rows_of(replace(BLOCK, sample=SampleSpec(n_tokens=2)))


@pytest.mark.parametrize(
    ("change", "error", "named"),
    [
        ({"measures": ("rsa", "similarity")}, RequestError, "'similarity': allowed are rsa"),
        ({"measures": ()}, RequestError, "name one or more"),
        ({"layers": "some"}, RequestError, "'matched', 'all'"),
        ({"resamples": -1}, RequestError, "0 or more"),
        ({"resamples": 10, "sample": SampleSpec(n_tokens=None)}, RequestError, "tokens = 5000"),
    ],
)
def test_blocks_that_can_not_be(change, error, named):
    with pytest.raises(error, match=named):
        replace(BLOCK, **change)


def test_what_is_not_stored_is_named():
    with pytest.raises(NotFoundError, match=r"layer 7 of base .* L00, L01, L02, final"):
        plan_units(replace(BLOCK, layers=(7,)), [corpus()])
    with pytest.raises(NotFoundError, match="no run of other over wiki; there are base, tuned"):
        plan_units(replace(BLOCK, pairs=(("base", "other"),)), [corpus()])


def test_pairs():
    bases = {"base": None, "mnli": "base", "squad": "base"}
    assert resolve_pairs("base", bases) == (("base", "mnli"), ("base", "squad"))
    assert resolve_pairs("all", bases) == (("base", "mnli"), ("base", "squad"), ("mnli", "squad"))
    assert resolve_pairs([["squad", "mnli"]], bases) == (("squad", "mnli"),)
    with pytest.raises(RequestError, match="'other' is none of base, mnli, squad"):
        resolve_pairs([["base", "other"]], bases)
    with pytest.raises(RequestError, match="list of two"):
        resolve_pairs([["base"]], bases)
    with pytest.raises(RequestError, match="gives no pair"):
        resolve_pairs("base", {"base": None})
    with pytest.raises(RequestError, match="'base', 'all'"):
        resolve_pairs("every", bases)
