"""Format `conllu`: words, offsets, heads, multi-word tokens and empty nodes."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actstore.errors import CorpusError
from actstore.formats.offsets import Surface, joined_spans, raw_spans
from actstore.formats.options import ReadOptions
from actstore.formats.registry import read_examples


def row(id, form, head="_", upos="X", deprel="dep", misc="_"):
    return "\t".join([str(id), form, form.lower(), upos, "XX", "_", str(head), deprel, "_", misc])


SENTENCE = "\n".join(
    [
        "# newdoc",
        "# sent_id = s-1",
        "# text = Je ne veux pas du  pain, I don't.",
        row(1, "Je", 3),
        row(2, "ne", 3),
        row(3, "veux", 0, upos="VERB", deprel="root"),
        row(4, "pas", 3),
        row("5-6", "du"),
        row(5, "de", 7),
        row(6, "le", 7),
        row(7, "pain", 3, misc="SpaceAfter=No"),
        row(8, ",", 3),
        row("8.1", "elided"),
        row(9, "I", 10),
        row("10-11", "don't", misc="SpaceAfter=No"),
        row(10, "do", 3),
        row(11, "n't", 10),
        row(12, ".", "_", upos="_", deprel="_"),
    ]
)


def read(tmp_path, content, **given):
    path = tmp_path / "bank.conllu"
    path.write_text(content, encoding="utf-8")
    reading = read_examples(ReadOptions(format="conllu", path=str(path), **given))
    return list(reading.examples), reading.report


def test_words_joined_by_spaces(tmp_path):
    (example,), report = read(tmp_path, SENTENCE + "\n\n")
    assert example.source_id == "s-1"
    assert example.text == "Je ne veux pas de le pain , I do n't ."
    assert all(example.text[w.char_start : w.char_end] == w.text for w in example.words)
    assert [w.head for w in example.words] == [2, 2, 2, 2, 6, 6, 2, 2, 9, 2, 9, None]
    assert (example.words[2].upos, example.words[2].xpos, example.words[2].deprel) == ("VERB", "XX", "root")
    assert (example.words[-1].upos, example.words[-1].deprel) == (None, None)
    assert report.noted == {"multi-word tokens": 2, "empty nodes": 1}
    assert str(report) == "1 examples, 2 multi-word tokens, 1 empty nodes"


def test_raw_text_with_offsets(tmp_path):
    (example,), _ = read(tmp_path, SENTENCE, text_from="raw")
    assert example.text == "Je ne veux pas du  pain, I don't."
    found = [(w.text, example.text[w.char_start : w.char_end]) for w in example.words]
    # the words of "du" share its place; "do" and "n't" spell "don't" and have their own
    assert [pair for pair in found if pair[0] != pair[1]] == [("de", "du"), ("le", "du")]
    assert [w.char_start for w in example.words][-4:] == [25, 27, 29, 32]


def test_sentences_without_an_end_or_an_id(tmp_path):
    examples, _ = read(tmp_path, "\n" + row(1, "a", 0) + "\n\n\n# c\n" + row(1, "b", 0))
    assert [(item.source_id, item.text) for item in examples] == [("2", "a"), ("5", "b")]
    assert examples[1].words[0].head == 0


def test_windows_line_ends_read_the_same(tmp_path):
    assert read(tmp_path, SENTENCE.replace("\n", "\r\n")) == read(tmp_path, SENTENCE)


def test_a_sentence_without_words_is_skipped_and_counted(tmp_path):
    _, report = read(tmp_path, row("0.1", "nothing") + "\n\n" + row(1, "a"))
    assert str(report) == "1 examples, 1 sentences without words skipped (line 1), 1 empty nodes"


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["1\ta\tb"], "bank.conllu:1: 3 columns; a line of CoNLL-U has 10"),
        ([row(1, "")], r"bank.conllu:1: the word \(column 2\) is empty"),
        ([row(1, "a"), row(3, "b")], "bank.conllu:2: word 3 where 2 should follow"),
        ([row("x", "a")], "bank.conllu:1: id 'x'; allowed are 3, 3-4 and 8.1"),
        ([row(1, "a"), row("1-2", "b")], "bank.conllu:2: range 1-2 is not before its words"),
        ([row("1-3", "abc"), row(1, "a"), row("2-3", "bc")], "bank.conllu:3: range 2-3 .* in another range"),
        ([row("1-2", "ab"), row(1, "a")], "bank.conllu:1: a range ends at word 2 of 1"),
        ([row(1, "a", 2)], "bank.conllu:1: head '2'; allowed are 0 to 1, or _ for none"),
        ([row(1, "a", "x")], "bank.conllu:1: head 'x'"),
    ],
)
def test_malformed_lines_are_named(tmp_path, lines, message):
    with pytest.raises(CorpusError, match=message):
        read(tmp_path, "\n".join(lines))


def test_raw_text_is_needed_and_must_hold_the_words(tmp_path):
    with pytest.raises(CorpusError, match=r'bank.conllu:1: no line "# text = ..."'):
        read(tmp_path, row(1, "a"), text_from="raw")
    content = "# text = a c\n" + row(1, "a") + "\n" + row(2, "b")
    with pytest.raises(
        CorpusError, match=r"bank.conllu:3: 'b' is not at character 2 of the raw text, which has 'c'"
    ):
        read(tmp_path, content, text_from="raw")


class Form:
    def __init__(self, form: str) -> None:
        self.form = form


forms = st.text(st.characters(exclude_categories=["Z", "C"]), min_size=1, max_size=6)


@given(st.lists(forms, min_size=1))
def test_joined_offsets_point_at_the_words(words):
    text, spans = joined_spans(words)
    assert [text[start:end] for start, end in spans] == words


@given(
    st.lists(st.tuples(st.lists(forms, min_size=1, max_size=3), st.sampled_from(["", " ", "  ", "\u00a0"])))
)
def test_raw_offsets_point_at_the_words(tokens):
    text = "".join("".join(words) + space for words, space in tokens)
    surfaces = [Surface("x:1", "".join(words), [Form(word) for word in words]) for words, _ in tokens]
    spans = raw_spans(text, surfaces)
    assert [text[start:end] for start, end in spans] == [word for words, _ in tokens for word in words]


@given(st.lists(forms, min_size=2, max_size=3), forms)
def test_words_that_do_not_spell_their_token_share_its_place(words, surface):
    if "".join(words) != surface:
        spans = raw_spans(surface, [Surface("x:1", surface, [Form(word) for word in words])])
        assert spans == [(0, len(surface))] * len(words)


@pytest.mark.data
@pytest.mark.skipif("ACTSTORE_DATA" not in os.environ, reason="ACTSTORE_DATA is not set")
@pytest.mark.parametrize("text_from", ["words", "raw"])
def test_english_web_treebank_dev(text_from):
    path = Path(os.environ["ACTSTORE_DATA"]) / "ud_ewt" / "en_ewt-ud-dev.conllu"
    reading = read_examples(ReadOptions(format="conllu", path=str(path), text_from=text_from))
    n_words = 0
    for example in reading.examples:
        n_words += len(example.words)
        assert all(example.text[w.char_start : w.char_end] == w.text for w in example.words)
        assert sum(w.head == index for index, w in enumerate(example.words)) == 1
    assert (reading.report.examples, n_words) == (2001, 25_147)
    assert reading.report.noted == {"multi-word tokens": 359, "empty nodes": 4}
