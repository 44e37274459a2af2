"""Windows of long examples: everything is covered once, with the most context, and words stay whole."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actstore.capture.windows import best_windows, fit, truncated_positions
from actstore.errors import CorpusError
from actstore.schema.tokens import TokenSettings


def sides(n_a, n_b=None):
    """[CLS] a [SEP], or [CLS] a [SEP] b [SEP]."""
    second = [] if n_b is None else [1] * n_b + [-1]
    return np.array([-1, *[0] * n_a, -1, *second], dtype=np.int8)


@st.composite
def long_examples(draw):
    """Sides, words over them, a maximum that they exceed and a stride."""
    n_a, n_b = draw(st.integers(1, 60)), draw(st.none() | st.integers(1, 60))
    side_T = sides(n_a, n_b)
    n_fixed = 2 if n_b is None else 3 + n_a
    n_moving = n_a if n_b is None else n_b
    room = draw(st.integers(1, n_moving))
    settings_ = TokenSettings(
        max_length=n_fixed + room - (room == n_moving), overflow="window", stride=draw(st.integers(1, 70))
    )
    words = draw(st.lists(st.tuples(st.integers(0, n_moving - 1), st.integers(0, 4)), max_size=20))
    first = 1 if n_b is None else n_a + 2
    spans = [(first + start, first + min(start + more, n_moving - 1)) for start, more in words]
    return side_T, spans, settings_, room - (room == n_moving)


@given(long_examples())
def test_every_source_token_has_one_best_place_and_no_window_is_too_long(example):
    side_T, spans, settings_, room = example
    if room == 0:
        return
    sequences = list(fit(side_T, spans, settings_, 0))
    best = np.concatenate([sequence.positions[sequence.best] for sequence in sequences])
    assert sorted(best.tolist()) == list(range(len(side_T)))
    for sequence in sequences:
        assert len(sequence.positions) <= settings_.max_length
        assert (np.diff(sequence.positions) > 0).all()
        assert not sequence.truncated
    fixed = set(np.flatnonzero(side_T < side_T.max()).tolist())
    assert all(fixed <= set(sequence.positions.tolist()) for sequence in sequences)
    assert fixed <= set(sequences[0].positions[sequences[0].best].tolist())


@given(long_examples())
def test_a_word_stays_in_one_window_if_any_holds_its_group(example):
    side_T, spans, settings_, room = example
    if room == 0:
        return
    sequences = list(fit(side_T, spans, settings_, 0))
    place = {
        int(p): n for n, s in enumerate(sequences) for p, b in zip(s.positions, s.best, strict=True) if b
    }
    for first, last in merged(spans):
        if any({first, last} <= set(s.positions.tolist()) for s in sequences):
            assert len({place[p] for p in range(first, last + 1)}) == 1


def merged(spans):
    groups = []
    for first, last in sorted(spans):
        if groups and first <= groups[-1][1]:
            groups[-1][1] = max(groups[-1][1], last)
        else:
            groups.append([first, last])
    return groups


@given(st.integers(1, 80), st.integers(1, 30), st.integers(1, 30))
def test_the_window_of_most_context_wins_and_ties_go_to_the_earlier(n_tokens, room, stride):
    stride = min(stride, room)
    alone = np.repeat(np.arange(n_tokens)[:, None], 2, axis=1)
    found = best_windows(n_tokens, room, stride, alone)
    n_windows = 1 + max(0, -(-(n_tokens - room) // stride))
    for token in range(n_tokens):
        context = []
        for window in range(n_windows):
            begin, end = window * stride, min(window * stride + room, n_tokens)
            context.append(min(token - begin, end - 1 - token) if begin <= token < end else -1)
        assert found[token] == int(np.argmax(context))


def test_windows_of_a_single_text_by_hand():
    settings_ = TokenSettings(max_length=6, overflow="window", stride=2)
    one, two, three = fit(sides(8), [], settings_, 0)
    assert [s.positions.tolist() for s in (one, two, three)] == [
        [0, 1, 2, 3, 4, 9], [0, 3, 4, 5, 6, 9], [0, 5, 6, 7, 8, 9]
    ]  # fmt: skip
    assert [s.positions[s.best].tolist() for s in (one, two, three)] == [[0, 1, 2, 3, 9], [4, 5], [6, 7, 8]]


def test_windows_of_a_pair_repeat_the_question():
    settings_ = TokenSettings(max_length=8, overflow="window", stride=2)
    one, two = fit(sides(2, 5), [], settings_, 0)
    assert one.positions.tolist() == [0, 1, 2, 3, 4, 5, 6, 9]
    assert two.positions.tolist() == [0, 1, 2, 3, 6, 7, 8, 9]
    assert one.positions[one.best].tolist() == [0, 1, 2, 3, 4, 5, 6, 9]
    assert two.positions[two.best].tolist() == [7, 8]


def test_a_word_over_a_windows_edge_moves_as_a_whole():
    settings_ = TokenSettings(max_length=6, overflow="window", stride=2)
    places = [s.positions[s.best].tolist() for s in fit(sides(8), [(3, 4)], settings_, 0)]
    assert places == [[0, 1, 2, 3, 4, 9], [5], [6, 7, 8]]


@pytest.mark.parametrize(
    ("n_a", "n_b", "room", "kept"),
    [(10, 3, 8, (5, 3)), (3, 10, 8, (3, 5)), (10, 10, 9, (4, 5)), (11, 10, 9, (5, 4)), (4, 4, 8, (4, 4))],
)
def test_the_longer_text_is_cut_first(n_a, n_b, room, kept):
    side_T = sides(n_a, n_b)
    left = truncated_positions(side_T, room + 3)
    assert ((side_T[left] == 0).sum(), (side_T[left] == 1).sum()) == kept
    assert (side_T[left] < 0).sum() == 3


def test_refused_overflow_names_example_count_and_limit():
    settings_ = TokenSettings(max_length=6, overflow="refuse")
    with pytest.raises(CorpusError, match="example 41 has 10 tokens, max_length is 6"):
        list(fit(sides(8), [], settings_, 41))


def test_a_question_that_leaves_no_room_is_refused():
    settings_ = TokenSettings(max_length=8, overflow="window")
    with pytest.raises(CorpusError, match="example 3: the first text has 6 tokens"):
        list(fit(sides(6, 5), [], settings_, 3))
