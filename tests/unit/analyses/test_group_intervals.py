"""Intervals of all tokens and of measures of pairs: from groups of examples that are left out in turn."""

import itertools
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from actstore.errors import RequestError
from analyses.readers.sample import SampleSpec
from analyses.similarity.plan import Plan, plan_units
from analyses.similarity.request import MergeArgs, PartArgs, SimilarityBlock, StoredCorpus, StoredRun
from analyses.similarity.tiling import LIMITS, Limits
from analyses.similarity.work import SimilarityWork
from analyses.statistics.jackknife import group_slices, jackknife_draws
from tests.support import oracles
from tests.support.array_source import ArraySource

N_EXAMPLES, LENGTH = 60, 9
MEASURES = ("rsa", "cka", "cka-debiased", "svcca", "procrustes")
ALL = SampleSpec(n_tokens=None)
BLOCK = SimilarityBlock(
    name="b", pairs=(("base", "tuned"),), measures=MEASURES, sample=ALL, resamples=300, layers=(0,)
)
SMALL = Limits(flops_per_part=8_000, rows_per_step=8, parts_per_merge=2)


def source() -> ArraySource:
    rng = np.random.default_rng(0)
    topic = np.repeat(rng.standard_normal((N_EXAMPLES, 5)), LENGTH, axis=0)
    base = topic + 0.5 * rng.standard_normal((N_EXAMPLES * LENGTH, 5)) + 0.5
    tuned = base[:, :4] + np.repeat(0.6 * rng.standard_normal((N_EXAMPLES, 4)), LENGTH, axis=0)
    return ArraySource.of({"base": {"L00": base}, "tuned": {"L00": tuned}}, LENGTH)


def corpus(data: ArraySource, excluded: tuple[int, ...] = ()) -> StoredCorpus:
    runs = {
        name: StoredRun(
            checkpoint=name, run_id=name, tokens_id="tok", sites=("L00",), widths=(sites["L00"].shape[1],),
            n_rows=N_EXAMPLES * LENGTH,
        )
        for name, sites in data.values.items()
    }  # fmt: skip
    return StoredCorpus(name="wiki", runs=runs, excluded=excluded)


def rows_of(plan: Plan, data: ArraySource, seed: int = 0) -> dict[str, dict]:
    work = SimilarityWork(source=data, device="cpu", rows_per_step=16)
    tables = []
    for stage in plan.stages:
        for at in np.random.default_rng(seed).permutation(len(stage)):
            table = work.open("tok").do(stage[at])
            tables += [] if table is None else [table]
    return {row["measure"]: row for row in pa.concat_tables(tables).to_pylist()}


@pytest.mark.parametrize("limits", [LIMITS, SMALL])
def test_intervals_of_all_tokens_are_the_jackknife_of_the_rows(limits):
    data = source()
    found = rows_of(plan_units(BLOCK, [corpus(data)], limits), data)
    plain = rows_of(plan_units(replace(BLOCK, resamples=0), [corpus(data)]), data)
    x, y = (data.values[name]["L00"].astype(float) for name in ("base", "tuned"))
    slices = group_slices(np.repeat(np.arange(N_EXAMPLES), LENGTH))
    for name, oracle in (("rsa", oracles.rsa), ("cka-debiased", oracles.cka_debiased)):
        without = [oracle(*(np.delete(v, np.r_[one], axis=0) for v in (x, y))) for one in slices]
        expected = jackknife_draws(
            oracle(x, y), np.array(without), [one.stop - one.start for one in slices], 300, 0
        )
        np.testing.assert_allclose(found[name]["resampled"], expected, atol=1e-5)
    for name, row in found.items():
        assert row["value"] == pytest.approx(plain[name]["value"], abs=1e-6)
        assert row["low"] < row["value"] < row["high"]
        assert len(row["resampled"]) == 300


def test_parts_of_a_group_are_merged_apart_and_the_groups_last():
    data = source()
    plan = plan_units(BLOCK, [corpus(data)], SMALL)
    assert len(plan.stages) > 2
    (last,) = plan.stages[-1]
    assert isinstance(last.args, MergeArgs)
    assert len(last.args.keys) == 20
    keys = {unit.key for stage in plan.stages[:-1] for unit in stage}
    used = [key for stage in plan.stages for unit in stage for key in getattr(unit.args, "keys", ())]
    assert sorted(used) == sorted(keys)
    ranges = sorted(
        (u.args.first_row, u.args.end_row) for u in plan.stages[0] if isinstance(u.args, PartArgs)
    )
    assert ranges[0][0] == 0
    assert ranges[-1][1] == N_EXAMPLES * LENGTH
    assert all(a[1] == b[0] for a, b in itertools.pairwise(ranges))
    one, other = (rows_of(plan, data, seed) for seed in (0, 1))
    assert one == other


def test_more_sampled_tokens_than_can_be_bootstrapped_are_grouped():
    data = source()
    plan = plan_units(replace(BLOCK, sample=SampleSpec(n_tokens=50_001)), [corpus(data)])
    row = rows_of(plan, data)["rsa"]
    assert row["n_tokens"] == N_EXAMPLES * LENGTH
    assert row["low"] < row["value"] < row["high"]


def test_measures_of_pairs_have_intervals_too_and_keep_apart_from_those_of_moments():
    data = source()
    names = ("rsa", "neighbours", "cka-minibatch")
    plan = plan_units(replace(BLOCK, measures=names), [corpus(data)])
    assert len(plan.tables) == 2
    sampled = plan_units(replace(BLOCK, measures=names, sample=SampleSpec(n_tokens=300)), [corpus(data)])
    assert len(sampled.tables) == 1
    for one in (plan, sampled):
        found = rows_of(one, data)
        assert set(found) == set(names)
        for row in found.values():
            assert row["low"] < row["value"] < row["high"]
            assert row["high"] - row["low"] < 0.4


def test_too_few_examples_are_told():
    data = source()
    few = corpus(data, excluded=tuple(range(4, N_EXAMPLES)))
    with pytest.raises(RequestError, match="groups of whole examples"):
        rows_of(plan_units(BLOCK, [few]), data)
    with pytest.raises(RequestError, match="groups of whole examples"):
        rows_of(plan_units(replace(BLOCK, measures=("neighbours",)), [few]), data)
