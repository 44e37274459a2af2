"""The one word rule."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actstore.formats.words import split_words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Hello, world!", ["Hello", ",", "world", "!"]),
        ("don't rock 'n' roll", ["don't", "rock", "'", "n", "'", "roll"]),
        ("the dogs\u2019 l\u2019eau", ["the", "dogs", "\u2019", "l\u2019eau"]),
        ("state-of-the-art", ["state", "-", "of", "-", "the", "-", "art"]),
        ("max_restarts=-1", ["max", "_", "restarts", "=", "-", "1"]),
        ("3.14 x2 ½", ["3", ".", "14", "x2", "½"]),
        ("ne\u0301e nai\u0308ve", ["ne\u0301e", "nai\u0308ve"]),
        ("हिन्दी भाषा", ["हिन्दी", "भाषा"]),
        ("語学", ["語学"]),
        ("❤\ufe0f ok", ["❤\ufe0f", "ok"]),
        ("\u00a0a\u3000b\n", ["a", "b"]),
        ("", []),
    ],
)
def test_words(text, words):
    assert [word.text for word in split_words(text)] == words


def test_segment_is_kept():
    assert {word.segment for word in split_words("a b", segment=1)} == {1}


@given(st.text())
def test_offsets_point_at_the_words_and_nothing_but_space_is_left_out(text):
    end = 0
    for word in split_words(text):
        assert text[word.char_start : word.char_end] == word.text
        assert text[end : word.char_start].strip() == ""
        assert word.text
        end = word.char_end
    assert text[end:].strip() == ""
