"""Words as rows: where they lie, what is pooled, what is matched, and what is refused by name."""

import pickle
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actstore.errors import IncomparableRunsError, WorkError
from actstore.schema.tokens import TOKENS, WORD_TOKENS
from analyses.readers.sample import COLUMNS, SampleSpec, draw
from analyses.readers.word_places import word_places
from analyses.readers.words import WordGroup, WordSource

WIDTH = 3
Spans = list[list[tuple[int, int] | None]]
"""For each example its words: first token and number of tokens, None for a word without tokens."""


@dataclass
class Tokenised:
    """A source of one run for each tokenisation: row r of a run is r, r / 2, r / 3 (and a shift)."""

    spans: dict[str, Spans]
    gap: int = 0
    bad_row: int = -1
    read: list[int] = field(default_factory=list)

    def tokens(self, tokens_id, columns, rows=None):
        found, row = [], 0
        for example, words in enumerate(self.spans[tokens_id]):
            n_tokens = max([2, *(first + n + 1 for first, n in (span for span in words if span))])
            found += [{"example": example, "token": t, "row": row + t} for t in range(n_tokens)]
            row += n_tokens + self.gap
        schema = pa.schema([TOKENS.field(name) for name in ("example", "token", "row")])
        return pa.Table.from_pylist(found, schema=schema).select(columns)

    def word_tokens(self, tokens_id, columns):
        rows = [
            {
                "example": e,
                "word": w,
                "first_token": span and span[0],
                "last_token": span and span[0] + span[1] - 1,
            }
            for e, words in enumerate(self.spans[tokens_id])
            for w, span in enumerate(words)
        ]
        return pa.Table.from_pylist(rows, schema=WORD_TOKENS).select(columns)

    def gather(self, run_id, site, row_T):
        self.read.append(len(row_T))
        values = values_of(run_id, row_T)
        values[np.asarray(row_T) == self.bad_row] = np.nan
        return values.astype(np.float16)

    def scan(self, run_id, site, *, rows_per_step):
        raise AssertionError("words are gathered")


def values_of(run_id: str, row_T) -> np.ndarray:
    return np.asarray(row_T)[:, None] / np.arange(1, WIDTH + 1) + (10.0 if run_id == "run-b" else 0.0)


A: Spans = [[(1, 1), (2, 2), None], [(1, 3)]]
B: Spans = [[(1, 2), (3, 1), (4, 1)], [(1, 1)]]
GROUP = WordGroup(tokens_ids={"run-a": "a", "run-b": "b"})


def test_the_word_axis_is_the_text_s():
    source = WordSource(Tokenised({"a": A, "b": B}, gap=2), [GROUP])
    table = source.tokens(GROUP.id, COLUMNS)
    assert table.column("example").to_pylist() == [0, 0, 0, 1]
    assert table.column("token").to_pylist() == [0, 1, 2, 0]
    assert table.column("best_context").to_pylist() == [True, True, False, True]
    assert table.column("row").to_pylist() == [0, 1, 2, 3]
    assert source.tokens(GROUP.id, ["row"], rows=(1, 3)).column("row").to_pylist() == [1, 2]
    report = source.report(GROUP.id)
    assert (report.n_words, report.n_matched) == (4, 3)
    assert str(report) == "1 of 4 words are left out: they have no tokens of their own (1 in a)"
    assert report.to_dict() == {"n_words": 4, "n_matched": 3, "n_without_tokens": {"a": 1, "b": 0}}
    words = source.word_tokens(GROUP.id, ["word", "first_token"])
    assert words.column("first_token").to_pylist() == [0, 1, None, 0]


def test_each_word_is_the_mean_over_its_tokens():
    source = WordSource(Tokenised({"a": A, "b": B}), [GROUP])
    found_TD = source.gather("run-a", "L00", np.array([3, 0, 1]))
    # example 0 of a has 5 rows, so the word of example 1 is rows 6, 7, 8
    expected = [values_of("run-a", [6, 7, 8]), values_of("run-a", [1]), values_of("run-a", [2, 3])]
    np.testing.assert_allclose(found_TD, [rows.mean(axis=0) for rows in expected], rtol=1e-3)
    assert found_TD.dtype == np.float32
    np.testing.assert_allclose(
        source.gather("run-b", "L00", np.array([1])), values_of("run-b", [3]), rtol=1e-3
    )
    assert source.gather("run-b", "L00", np.array([], np.int64)).shape == (0, WIDTH)
    steps = list(source.scan("run-a", "L00", rows_per_step=2))
    assert [row_T.tolist() for row_T, _ in steps] == [[0, 1], [3]]
    np.testing.assert_array_equal(steps[1][1], found_TD[:1])


def test_only_matched_words_are_drawn():
    source = WordSource(Tokenised({"a": A, "b": B}), [GROUP])
    sample = draw(source.tokens(GROUP.id, COLUMNS), SampleSpec(n_tokens=10))
    assert sample.row_T.tolist() == [0, 1, 3]
    skipped = draw(source.tokens(GROUP.id, COLUMNS), SampleSpec(n_tokens=10, skip_first=1))
    assert skipped.row_T.tolist() == [1]


def test_a_group_is_its_tokenisations():
    same = WordGroup(tokens_ids={"run-c": "b", "run-d": "a"})
    assert same.id == GROUP.id
    assert WordGroup(tokens_ids={"run-a": "a"}).id != GROUP.id
    source = pickle.loads(pickle.dumps(WordSource(Tokenised({"a": A, "b": B}), [GROUP])))
    assert source.report(GROUP.id).n_matched == 3


def test_what_can_not_be_is_refused_by_name():
    source = WordSource(Tokenised({"a": A, "b": B}), [GROUP])
    with pytest.raises(WorkError, match="example 0, word 2 has no tokens in run run-a; draw matched words"):
        source.gather("run-a", "L00", np.array([0, 2]))
    bad = WordSource(Tokenised({"a": A, "b": B}, bad_row=3), [GROUP])
    with pytest.raises(WorkError, match="run run-a, L07, example 0, word 1 is not finite"):
        bad.gather("run-a", "L07", np.array([0, 1]))
    other = WordSource(Tokenised({"a": A, "b": [[(1, 1)], [(1, 1)]]}), [GROUP])
    with pytest.raises(IncomparableRunsError, match="a and b are not of one text: their words differ"):
        other.tokens(GROUP.id, COLUMNS)


def test_tables_that_do_not_fit_together():
    source = Tokenised({"a": A})
    tokens = source.tokens("a", ["example", "token", "row"])
    words = source.word_tokens("a", ["example", "word", "first_token", "last_token"])
    with pytest.raises(
        WorkError, match="word 0 of example 1 begins at token 1, which the token table has not"
    ):
        word_places(tokens.slice(0, 6), words)


WORDS = st.lists(st.one_of(st.none(), st.integers(1, 4)), min_size=0, max_size=5)


@given(st.lists(WORDS, min_size=1, max_size=4), st.integers(0, 3), st.randoms())
def test_pooling_is_a_mean_word_by_word(lengths, gap, random):
    spans: Spans = []
    for words in lengths:
        at, mine = 1, []
        for n in words:
            mine.append(None if n is None else (at, n))
            at += n or 0
        spans.append(mine)
    source = Tokenised({"a": spans}, gap=gap)
    group = WordGroup(tokens_ids={"run-a": "a"})
    words = WordSource(source, [group])
    table = source.tokens("a", ["example", "token", "row"]).to_pylist()
    row_of = {(row["example"], row["token"]): row["row"] for row in table}
    flat = [(e, span) for e, mine in enumerate(spans) for span in mine]
    rows = [number for number, (_, span) in enumerate(flat) if span]
    random.shuffle(rows)
    found = words.gather("run-a", "L00", np.array(rows, np.int64))
    for number, value_D in zip(rows, found, strict=True):
        example, (first, n) = flat[number]
        mine = [row_of[example, first + step] for step in range(n)]
        expected = values_of("run-a", mine).astype(np.float16).astype(np.float32).mean(axis=0)
        np.testing.assert_allclose(value_D, expected, rtol=1e-5)
