"""From a study's block to rows of the table `similarity`, over a source that is an array in memory."""

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest

from actstore.errors import RequestError
from analyses.readers.sample import SampleSpec
from analyses.similarity.cka import linear_cka
from analyses.similarity.left import units_left
from analyses.similarity.measures import MEASURES, Options, measures_of
from analyses.similarity.pairs import resolve_pairs
from analyses.similarity.plan import Plan, plan_units
from analyses.similarity.procrustes import procrustes
from analyses.similarity.request import Side
from analyses.similarity.rsa import rsa
from analyses.similarity.tiling import LIMITS, Limits, grid_bytes, grid_flops, grids, rows_per_step
from analyses.similarity.work import SimilarityWork
from analyses.statistics.resampling import example_weights
from tests.support.made_similarity import (
    BLOCK,
    LENGTH,
    N_EXAMPLES,
    SITES,
    WIDTH,
    corpus,
    make_source,
    rows_of,
    stored,
)
from tests.support.sums import moments


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
    names = tuple(MEASURES)
    also = {"cca-squared", "pwcca-a-to-b", "pwcca-b-to-a", "procrustes-angle", "shape-angle"}
    few, many = (rows_of(replace(BLOCK, measures=names, layers=(0, 2)), rows_per_step=n) for n in (9, 1000))
    found = {(row["measure"], row["layer_a"]): row["value"] for row in few}
    assert {measure for measure, _ in found} == {*names, *also}
    for name in names:
        assert found[name, 0] == pytest.approx(0.0 if name == "rtd" else 1.0, abs=1e-4)
        assert found[name, 2] > 1.0 if name == "rtd" else 0.1 < found[name, 2] < 0.99
    for row in many:
        assert row["value"] == pytest.approx(found[row["measure"], row["layer_a"]], abs=2e-3)


def test_unit_keys_are_unique_stable_file_names():
    block = replace(BLOCK, seeds=(0, 1))
    units = plan_units(block, [corpus()]).tables
    keys = [unit.key for unit in units]
    assert len(set(keys)) == len(keys) == 6
    assert keys == [unit.key for unit in plan_units(block, [corpus()]).tables]
    assert all(len(key) < 64 and key.replace("-", "").isalnum() for key in keys)
    changed = plan_units(replace(block, resamples=10), [corpus()]).tables
    assert not {unit.key for unit in changed} & set(keys)


def test_excluded_examples_are_in_no_sample():
    held = replace(corpus(), excluded=(0, 1, 2))
    unit = plan_units(replace(BLOCK, sample=SampleSpec(n_tokens=None)), [held]).tables[0]
    table = SimilarityWork(source=make_source(), device="cpu").open(unit.group).do(unit)
    assert table.column("n_tokens").to_pylist() == [(N_EXAMPLES - 3) * (LENGTH - 2)]


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


def test_layers_that_are_compared_with_several_are_read_once():
    source = make_source()
    block = replace(BLOCK, layers="all", measures=("rsa", "cka-debiased", "svcca"))
    (unit,) = plan_units(block, [corpus()]).tables
    assert len(unit.args.cells) == 9
    SimilarityWork(source=source, device="cpu").open("tok").do(unit)
    assert set(source.read.values()) == {200}  # 100 tokens, and the same 100 for the pivot


def test_matched_layers_of_several_pairs_share_a_unit_a_layer():
    runs = {name: stored(name) for name in ("b", "c")}
    block = replace(BLOCK, pairs=(("base", "tuned"), ("base", "b"), ("b", "c")))
    units = plan_units(block, [corpus(**runs)]).tables
    assert [len(unit.args.cells) for unit in units] == [3, 3, 3]
    assert [len(unit.args.sides) for unit in units] == [4, 4, 4]


def long_plan(parts: int, measures: tuple[str, ...]) -> Plan:
    """All tokens in so many parts of 64 rows or more."""
    flops = grid_flops(
        [(Side(run=stored("base"), layer=0), Side(run=stored("tuned"), layer=0))],
        measures_of(measures, Options()),
        N_EXAMPLES * LENGTH,
    )
    limits = Limits(flops_per_part=flops / parts, rows_per_step=32, parts_per_merge=3)
    block = replace(BLOCK, measures=measures, sample=SampleSpec(n_tokens=None), layers=(2,))
    return plan_units(block, [corpus()], limits)


ALL_MOMENTS = ("rsa", "cka", "cka-debiased", "cca", "svcca", "pwcca", "procrustes", "shape")


def test_parts_of_long_runs_merge_to_the_same_values_in_any_order():
    whole = rows_of(
        replace(BLOCK, measures=ALL_MOMENTS, sample=SampleSpec(n_tokens=None), layers=(2,)), rows_per_step=32
    )
    expected = {row["measure"]: row["value"] for row in whole}
    found = []
    for parts, seed in ((10, 0), (10, 1), (5, 2)):
        plan = long_plan(parts, ALL_MOMENTS)
        assert [len(stage) for stage in plan.stages] == ([10, 4, 2, 1] if parts == 10 else [5, 2, 1])
        work = SimilarityWork(source=make_source(), device="cpu", rows_per_step=32)
        for stage in plan.stages:
            tables = []
            for at in np.random.default_rng(seed).permutation(len(stage)):
                task = work.open(stage[at].group)
                tables.append(task.do(stage[at]))
        (table,) = tables
        found.append({row["measure"]: row["value"] for row in table.to_pylist()})
    assert found[0] == found[1]
    for name, value in expected.items():
        for values in found:
            assert values[name] == pytest.approx(value, abs=1e-10)


def test_what_is_there_is_not_done_again():
    plan = long_plan(10, ("rsa",))
    parts, merges, seconds, last = plan.stages
    assert units_left(plan, [], []) == [list(stage) for stage in plan.stages]
    assert units_left(plan, [last[0].key], []) == [[], [], [], []]
    some = {unit.key for unit in parts[:4]}
    assert units_left(plan, [], some)[0] == list(parts[4:])
    assert units_left(plan, [], some | {merges[0].key})[0] == list(parts[4:])
    assert units_left(plan, [], {merges[0].key})[0] == list(parts[3:])
    assert units_left(plan, [], {unit.key for unit in seconds}) == [[], [], [], [last[0]]]


def test_grids_fit_in_memory_and_hold_each_pair_once():
    runs = [replace(stored(name), run_id=name) for name in ("base", "tuned", "other")]
    pairs = [
        (Side(run=a, layer=i), Side(run=b, layer=j))
        for a, b in combinations(runs, 2) for i in range(3) for j in range(3)
    ]  # fmt: skip
    chosen = measures_of(("rsa", "cka"), Options())
    for bound in (10**9, 9000, 3000, 1):
        groups = grids(pairs, chosen, 0, bound)
        assert sorted(map(hash, (pair for group in groups for pair in group))) == sorted(map(hash, pairs))
        assert all(len(group) == 1 or grid_bytes(group, chosen, 0) <= bound for group in groups)
    assert len(grids(pairs, chosen, 0, LIMITS.grid_bytes)) == 1
    assert len(grids(pairs, chosen, 0, 1)) == len(pairs)
    assert grid_bytes(pairs[:1], chosen, 100) == 8 * 2 * 3 * WIDTH**2 + 4 * 100 * 2 * WIDTH


def test_steps_are_smaller_for_many_sides():
    assert rows_per_step([768, 768]) == 4096
    assert rows_per_step([768] * 26) == 1024
    assert rows_per_step([4096] * 100) == 512


def test_every_measure_has_an_interval_around_its_value():
    names = tuple(name for name in MEASURES if name != "neighbours")
    rows = rows_of(replace(BLOCK, measures=names, layers=(2,), resamples=60))
    for row in rows:
        assert row["low"] < row["value"] < row["high"], row["measure"]
        assert len(row["resampled"]) == 60
    again = rows_of(replace(BLOCK, measures=("cka-debiased",), layers=(2,), resamples=60))
    assert again[0]["resampled"] == next(row["resampled"] for row in rows if row["measure"] == "cka-debiased")


def test_resampled_values_are_those_of_copied_examples():
    source = make_source()
    block = replace(BLOCK, measures=("cka", "procrustes"), layers=(2,), resamples=3)
    rows = {row["measure"]: row for row in rows_of(block, source)}
    sample = SimilarityWork(source=source, device="cpu").open("tok").sample(replace(BLOCK.sample, seed=0))
    weight_TR = example_weights(sample.example_T, 3, 0).astype(int)
    for at in range(3):
        chosen = np.repeat(sample.row_T, weight_TR[:, at])
        x, y = (source.gather(run, "L02", chosen).astype(float) for run in ("run-base", "run-tuned"))
        found = moments(x, y)
        assert rows["cka"]["resampled"][at] == pytest.approx(linear_cka(found), abs=1e-6)
        assert rows["procrustes"]["resampled"][at] == pytest.approx(procrustes(found)["procrustes"], abs=1e-6)
