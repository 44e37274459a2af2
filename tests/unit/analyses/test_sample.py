"""A sample is a pure function of the token table and the rule; nothing ineligible is ever in it."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actstore.errors import RequestError
from analyses.readers.sample import SampleSpec, draw


def token_table(lengths: tuple[int, ...] = (6, 9, 4, 20)) -> pa.Table:
    """Examples of [CLS] words [SEP]; the last is in two windows whose first half is context alone."""
    sequences = [(example, 0, length) for example, length in enumerate(lengths)]
    sequences.append((len(lengths) - 1, 1, 8))
    columns: dict[str, list[object]] = {
        name: [] for name in ("example", "token", "row", "special", "window", "best_context")
    }
    row = 0
    for example, window, length in sequences:
        for position in range(length):
            columns["example"].append(example)
            columns["token"].append(position)
            columns["row"].append(row)
            columns["special"].append(position in (0, length - 1))
            columns["window"].append(window)
            columns["best_context"].append(window == 0 or position >= 4)
            row += 1
        row += 100
    return pa.table(columns)


def chosen(table: pa.Table, spec: SampleSpec) -> list[dict[str, object]]:
    by_row = {item["row"]: item for item in table.to_pylist()}
    return [by_row[row] for row in draw(table, spec).row_T.tolist()]


def test_all_eligible_tokens():
    table = token_table()
    expected = [item["row"] for item in table.to_pylist() if item["best_context"] and not item["special"]]
    sample = draw(table, SampleSpec(n_tokens=None))
    assert sample.row_T.tolist() == expected
    assert sample.complete
    assert sample.n_eligible == len(expected)


def test_special_tokens_on_request():
    some = chosen(token_table(), SampleSpec(n_tokens=None, include_special=True))
    assert sum(bool(item["special"]) for item in some) == 9


def test_skip_first_counts_positions_of_each_sequence():
    some = chosen(token_table(), SampleSpec(n_tokens=None, include_special=True, skip_first=3))
    assert some
    assert min(int(str(item["token"])) for item in some) == 3
    later = [item for item in some if item["window"] == 1]
    assert [item["token"] for item in later] == [4, 5, 6, 7]
    more = chosen(token_table(), SampleSpec(n_tokens=None, include_special=True, skip_first=6))
    assert [item["token"] for item in more if item["window"] == 1] == [6, 7]


def test_excluded_examples():
    some = chosen(token_table(), SampleSpec(n_tokens=None, excluded=(1, 3)))
    assert {item["example"] for item in some} == {0, 2}


@given(
    n=st.integers(1, 60),
    seed=st.integers(0, 1000),
    most=st.one_of(st.none(), st.integers(1, 5)),
    skip=st.integers(0, 3),
)
def test_rules_hold_for_every_draw(n, seed, most, skip):
    table = token_table()
    spec = SampleSpec(n_tokens=n, seed=seed, max_per_text=most, skip_first=skip)
    sample, again = draw(table, spec), draw(table, spec)
    np.testing.assert_array_equal(sample.row_T, again.row_T)
    assert np.all(np.diff(sample.row_T) > 0)
    assert sample.n_tokens == min(n, sample.n_eligible)
    if most is not None:
        assert np.unique(sample.example_T, return_counts=True)[1].max() <= most
    assert all(item["best_context"] and not item["special"] for item in chosen(table, spec))
    assert sample.to_table().column("example").to_pylist() == sample.example_T.tolist()


def test_another_seed_draws_other_tokens():
    table = token_table((50, 50, 50))
    draws = [draw(table, SampleSpec(n_tokens=20, seed=seed)).row_T.tolist() for seed in (0, 1)]
    assert draws[0] != draws[1]


def test_draws_are_uniform():
    table = token_table((12, 12, 12, 12))
    for most in (None, 5):
        rows = [draw(table, SampleSpec(n_tokens=8, seed=s, max_per_text=most)).example_T for s in range(400)]
        share = np.bincount(np.concatenate(rows), minlength=4) / 3200
        expected = 0.25 if most else np.array([10, 10, 10, 13]) / 43
        np.testing.assert_allclose(share, expected, atol=0.03)


def test_fewer_than_asked_is_told():
    sample = draw(token_table(), SampleSpec(n_tokens=5000))
    assert not sample.complete
    assert sample.n_tokens == sample.n_eligible < 5000


def test_nothing_to_sample():
    with pytest.raises(RequestError, match="no token to sample"):
        draw(token_table((3, 3)), SampleSpec(excluded=(0, 1)))


@pytest.mark.parametrize("name", ["n_tokens", "max_per_text", "skip_first", "seed"])
def test_impossible_rules(name):
    with pytest.raises(RequestError, match=f"{name} = -1"):
        SampleSpec(**{name: -1})
