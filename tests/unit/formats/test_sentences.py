# ruff: noqa: RUF001  the texts have such signs
"""split_into = "sentences": by hand, by property, against WikiText's own points, and as a corpus."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actstore.formats.options import ReadOptions
from actstore.formats.registry import read_examples
from actstore.formats.sentences import split_sentences
from actstore.formats.wikitext import is_heading, wikitext

CASES = {
    "two": ["He came.", "She left!"],
    "question": ["Why not?", "Because 3.5 is more than 3.", "7 is more."],
    "title": ["Dr. Smith met Mrs. Jones at St. Paul's.", "They spoke."],
    "initials": ["J. R. R. Tolkien and W. A. Bruce wrote it.", "It was long."],
    "last in a sentence": ["He lives in the U.S.", "The house is old."],
    "starter": ["He moved to the U.S.", "There he worked for Apple Inc.", "In 1990 he left."],
    "not a starter": ["The U.S. Navy and Apple Inc. Pacific came."],
    "never last": ["Compare vol. 3, p. 12 and No. 5 vs. No. 6, e.g. Smith et al. Then."],
    "quotes": ['He said "Go."', '"Why?" she asked.', "(It was late.)", "“So it was.”", "Yes."],
    "lower case goes on": ['"Really?" he said... and left etc. as before.'],
    "ellipsis": ["And then...", "Nothing."],
    "no stop": ["A title without a stop"],
    "ends": ["World War I.", "It ended."],
    "points inside": ["See www.example.org.", "Version 2.0.1 runs at 5 p.m. daily."],
    "other scripts": ["今天很好。", "明天呢？", "好！"],
}


@pytest.mark.parametrize("name", CASES)
def test_by_hand(name):
    assert list(split_sentences(" ".join(CASES[name]))) == CASES[name]


TEXTS = st.text(alphabet="aBc .!?…\"')(5\n。", max_size=60)


@given(TEXTS)
def test_nothing_is_lost_and_no_sentence_is_empty(text):
    found = split_sentences(text)
    assert "".join("".join(found).split()) == "".join(text.split())
    assert all(sentence.strip() == sentence != "" for sentence in found)


@given(TEXTS)
def test_a_sentence_is_one_sentence(text):
    assert all(split_sentences(sentence) == (sentence,) for sentence in split_sentences(text))


@pytest.mark.data
def test_wikitext_points_that_stand_alone_end_sentences():
    """WikiText keeps the points of abbreviations on their words; those that end sentences are tokens."""
    if "ACTSTORE_DATA" not in os.environ:
        pytest.skip("ACTSTORE_DATA is not set")
    path = Path(os.environ["ACTSTORE_DATA"], "wikitext2", "wikitext-test.raw.txt")
    both = only_ours = only_theirs = 0
    for line in path.read_text(encoding="utf-8").split("\n"):
        if not line.strip() or is_heading(line):
            continue
        ours, theirs = own_ends(wikitext(line)), token_ends(line)
        both += len(ours & theirs)
        only_ours += len(ours - theirs)
        only_theirs += len(theirs - ours)
    assert both > 7000
    assert both / (both + only_ours) > 0.99
    assert both / (both + only_theirs) > 0.97


def own_ends(text: str) -> set[int]:
    """Characters, spaces not counted, before each boundary and the quotes that close there."""
    ends, position = set(), 0
    for sentence in split_sentences(text)[:-1]:
        position += len("".join(sentence.split()))
        ends.add(position - len(sentence) + len(sentence.rstrip("\"')]”")))
    return ends


def token_ends(line: str) -> set[int]:
    """The same for each token . ? ! that something other than closing signs follows."""
    tokens = line.split()
    ends, position = set(), 0
    for index, token in enumerate(tokens):
        position += 1 if token in {"@-@", "@,@", "@.@"} else len(token)
        rest = [item for item in tokens[index + 1 :] if item not in {'"', "'", ")", "]", "”"}]
        if token in {".", "?", "!"} and rest:
            ends.add(position)
    return ends


def test_a_corpus_of_sentences(tmp_path):
    path = tmp_path / "wiki.txt"
    path.write_text(' = A title = \n\n One @-@ way . Two " ways . " \n', encoding="utf-8")
    given = ReadOptions(format="text", path=str(path), detokenize="wikitext", split_into="sentences")
    reading = read_examples(given)
    examples = list(reading.examples)
    assert [(item.source_id, item.text) for item in examples] == [
        ("1.1", "A title"), ("3.1", "One-way."), ("3.2", 'Two "ways."'),
    ]  # fmt: skip
    assert [word.text for word in examples[1].words] == ["One", "-", "way", "."]
    for example in examples:
        assert all(example.text[w.char_start : w.char_end] == w.text for w in example.words)
    assert str(reading.report) == "3 examples, 1 blank lines skipped (line 2), 1 headings"


def test_limit_counts_sentences(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("One. Two. Three.\nFour.\n")
    given = ReadOptions(format="text", path=str(path), split_into="sentences", limit=2)
    assert [item.text for item in read_examples(given).examples] == ["One.", "Two."]
