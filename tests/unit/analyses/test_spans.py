"""Spans of words as rows: jiant's fixture, vanished words, shared tokens, windows; against a slow count."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actstore.errors import WorkError
from analyses.readers.spans import SpanRows, span_rows
from analyses.readers.word_places import WordPlaces, word_places

Words = list[tuple[int, int] | None]
"""First and last row of each word of an example, None where it vanished."""


def places(examples: list[Words]) -> WordPlaces:
    flat = [(e, w, at) for e, words in enumerate(examples) for w, at in enumerate(words)]
    return WordPlaces(
        example_W=np.array([e for e, _, _ in flat], dtype=np.int64),
        word_W=np.array([w for _, w, _ in flat], dtype=np.int64),
        first_row_W=np.array([-1 if at is None else at[0] for _, _, at in flat], dtype=np.int64),
        n_tokens_W=np.array([0 if at is None else at[1] - at[0] + 1 for _, _, at in flat], dtype=np.int64),
    )


def mapped(examples: list[Words], spans: list[tuple[int, int, int]]) -> SpanRows:
    example_S, start_S, end_S = (np.array([s[i] for s in spans], dtype=np.int64) for i in range(3))
    return span_rows(places(examples), example_S, start_S, end_S)


def told(found: SpanRows) -> list[list[int]]:
    return [found.rows(span).tolist() for span in range(len(found.n_rows))]


def test_the_fixture_of_the_reference_code() -> None:
    # Ian ate straw ##berry ice cream behind [CLS] at row 0: [2, 5) -> [3, 7), [1, 2) -> [2, 3)
    words: Words = [(1, 1), (2, 2), (3, 4), (5, 5), (6, 6)]
    assert told(mapped([words], [(0, 2, 5), (0, 1, 2)])) == [[3, 4, 5, 6], [2]]


def test_words_that_vanished_are_counted_and_spans_of_nothing_else_are_empty() -> None:
    found = mapped([[(1, 1), None, (2, 3)], [None]], [(0, 0, 3), (0, 1, 2), (1, 0, 1), (0, 1, 3)])
    assert told(found) == [[1, 2, 3], [], [], [2, 3]]
    assert found.is_empty.tolist() == [False, True, True, False]
    assert found.n_vanished_words == 4


def test_a_token_of_two_words_is_one_row_of_a_span_and_a_row_of_each_word() -> None:
    # "do|n't" against "don ' t": both words have row 5
    words: Words = [(4, 5), (5, 7), (8, 8)]
    assert told(mapped([words], [(0, 0, 2), (0, 0, 1), (0, 1, 2), (0, 1, 3)])) == [
        [4, 5, 6, 7], [4, 5], [5, 6, 7], [5, 6, 7, 8],
    ]  # fmt: skip


def test_a_span_over_two_windows_has_only_the_rows_of_its_words() -> None:
    assert told(mapped([[(3, 4), (20, 21)]], [(0, 0, 2)])) == [[3, 4, 20, 21]]


def test_no_spans_give_no_rows() -> None:
    found = mapped([[(0, 0)]], [])
    assert (found.row_T.size, found.offset_S1.tolist()) == (0, [0])


@pytest.mark.parametrize("span", [(0, 0, 3), (0, -1, 1), (0, 1, 1), (1, 0, 1)])
def test_a_span_outside_its_example_is_refused(span: tuple[int, int, int]) -> None:
    with pytest.raises(WorkError, match=f"example {span[0]}, which has"):
        mapped([[(0, 0), (1, 1)]], [span])


@st.composite
def texts(draw: st.DrawFn) -> tuple[list[Words], list[tuple[int, int, int]]]:
    """Examples whose words may vanish, share a token with the word before, or leave a gap of rows."""
    examples: list[Words] = []
    row = 0
    for _ in range(draw(st.integers(1, 4))):
        words: Words = []
        row += 2
        for _ in range(draw(st.integers(1, 6))):
            kind = draw(st.sampled_from(["own", "vanished", "shared", "gap"]))
            if kind == "vanished":
                words.append(None)
                continue
            before = next((word for word in reversed(words) if word is not None), None)
            first = before[1] if kind == "shared" and before is not None else row + 3 * (kind == "gap")
            last = first + draw(st.integers(0, 2))
            words.append((first, last))
            row = max(row, last + 1)
        examples.append(words)
    spans = []
    for _ in range(draw(st.integers(1, 8))):
        example = draw(st.integers(0, len(examples) - 1))
        start = draw(st.integers(0, len(examples[example]) - 1))
        spans.append((example, start, draw(st.integers(start + 1, len(examples[example])))))
    return examples, spans


@given(texts())
def test_as_the_set_of_rows_of_the_words(case: tuple[list[Words], list[tuple[int, int, int]]]) -> None:
    examples, spans = case
    slow = [
        sorted({row for at in examples[e][a:b] if at is not None for row in range(at[0], at[1] + 1)})
        for e, a, b in spans
    ]
    found = mapped(examples, spans)
    assert told(found) == slow
    assert found.n_vanished_words == sum(at is None for e, a, b in spans for at in examples[e][a:b])


def test_spans_of_the_word_and_token_tables() -> None:
    tokens = pa.table({"example": [0, 0, 0, 1, 1], "token": [0, 1, 2, 0, 1], "row": [0, 1, 2, 16, 17]})
    words = pa.table({
        "example": [0, 0, 1], "word": [0, 1, 0],
        "first_token": pa.array([1, None, 1], pa.int32()), "last_token": pa.array([2, None, 1], pa.int32()),
    })  # fmt: skip
    found = span_rows(word_places(tokens, words), np.array([1, 0]), np.array([0, 0]), np.array([1, 2]))
    assert told(found) == [[17], [1, 2]]
