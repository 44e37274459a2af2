"""Replicates are found by name and number; their comparisons have a mean, a deviation and an interval."""

import numpy as np
import pyarrow as pa
import pytest

from analyses.similarity.replicates import SCHEMA, replicate_labels, replicate_rows
from analyses.similarity.rows import SCHEMA as ROWS


def rows(pairs: list[tuple[str, str, float]], *, drawn: int | None = 200) -> pa.Table:
    rng = np.random.default_rng(0)
    examples = 0.01 * rng.standard_normal(drawn or 1)
    return pa.Table.from_pylist(
        [
            {"name": "f", "measure": "rsa", "corpus": "wiki", "checkpoint_a": a, "checkpoint_b": b,
             "layer_a": 3, "layer_b": 3, "n_tokens": 50, "seed": 0, "replicate": None, "value": value,
             "low": None, "high": None,
             "resampled": (value + examples).tolist() if drawn else None}
            for a, b, value in pairs
        ],
        schema=ROWS,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("names", "stem"),
    [(("mnli-s0", "mnli-s1"), "mnli"), (("multiberts-seed_3", "multiberts-seed_4"), "multiberts"),
     (("base0", "base1"), "base"), (("pythia-step512-s0", "pythia-step512-s12"), "pythia-step512")],
)  # fmt: skip
def test_labels(names, stem):
    found = replicate_labels({names[0]: 0, names[1]: 1, "alone-s0": 0, "step10": None, "step20": None})
    assert found == dict.fromkeys(names, stem)


def test_another_checkpoint_of_that_name_is_no_replicate():
    found = replicate_labels({"random": None, "random-s1": 1, "random-s2": 2})
    assert found == {"random-s1": "random (seeds)", "random-s2": "random (seeds)"}


def test_seeds_of_one_base_and_of_their_own():
    labels = replicate_labels({"base-0": 0, "base-1": 1, "mnli-0": 0, "mnli-1": 1})
    found = replicate_rows(
        rows([("base-0", "mnli-0", 0.8), ("base-1", "mnli-1", 0.9), ("base-0", "base-1", 0.7)]), labels
    ).to_pylist()
    (row,) = found
    assert (row["checkpoints_a"], row["checkpoints_b"], row["n_replicates"]) == ("base", "mnli", 2)
    assert row["mean"] == pytest.approx(0.85)
    assert row["deviation"] == pytest.approx(np.std([0.8, 0.9], ddof=1))
    assert row["low"] < 0.81 < 0.89 < row["high"]


def test_without_resamples_there_is_no_interval():
    found = replicate_rows(rows([("base", "t-0", 0.8), ("base", "t-1", 0.9)], drawn=None),
                           {"t-0": "t", "t-1": "t"})  # fmt: skip
    assert found.schema == SCHEMA
    assert found.column("low").to_pylist() == found.column("high").to_pylist() == [None]
    assert replicate_rows(rows([("base", "t-0", 0.8)]), {}).num_rows == 0


def test_steps_of_a_seed_are_no_replicates():
    steps = {f"p-{seed}-step{step}": seed for seed in (0, 1) for step in (0, 10)}
    assert replicate_labels(steps) == {}
    seeds = {f"p-step{step}-{seed}": seed for seed in (0, 1) for step in (0, 10)}
    assert set(replicate_labels(seeds).values()) == {"p-step0", "p-step10"}
