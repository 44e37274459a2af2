"""Formats `text` and `pairs`, and what read_examples promises for all."""

import gzip
from itertools import islice

import pytest

from actstore.errors import CorpusError, NotYetError
from actstore.formats.options import FORMATS, LATER_FORMATS, ReadOptions
from actstore.formats.registry import READERS, check_options, read_examples
from actstore.formats.report import Skipped


def options(tmp_path, content: str, **given) -> ReadOptions:
    path = tmp_path / given.pop("file", "corpus.txt")
    path.write_text(content, encoding="utf-8")
    return ReadOptions(**{"format": "text", "path": str(path), **given})


def test_a_line_is_an_example_and_blank_lines_are_counted(tmp_path):
    reading = read_examples(options(tmp_path, "  One two. \n\n \t\nThree\n"))
    examples = list(reading.examples)
    assert [(item.source_id, item.text) for item in examples] == [("1", "One two."), ("4", "Three")]
    assert [word.text for word in examples[0].words] == ["One", "two", "."]
    assert examples[0].text_b is None
    assert examples[0].label is None
    assert reading.report.examples == 2
    assert reading.report.skipped == (Skipped("blank lines", 2, (2, 3)),)
    assert str(reading.report) == "2 examples, 2 blank lines skipped (lines 2, 3)"


def test_the_report_names_the_first_few_lines_only(tmp_path):
    reading = read_examples(options(tmp_path, "\n" * 9 + "x\n"))
    list(reading.examples)
    assert str(reading.report) == "1 examples, 9 blank lines skipped (lines 1, 2, 3, 4, 5, ...)"


def test_limit_takes_the_first_and_reads_no_further(tmp_path):
    path = tmp_path / "corpus.txt"
    path.write_bytes(b"one\ntwo\n\xff not UTF-8\n")
    reading = read_examples(ReadOptions(format="text", path=str(path), limit=2))
    assert [item.text for item in reading.examples] == ["one", "two"]
    assert reading.report.examples == 2


def test_examples_come_lazily(tmp_path):
    path = tmp_path / "corpus.txt.gz"
    path.write_bytes(gzip.compress(b"some words of a line\n" * 200_000))
    reading = read_examples(ReadOptions(format="text", path=str(path)))
    assert len(list(islice(reading.examples, 3))) == 3
    assert reading.report.examples == 3


@pytest.mark.parametrize("content", ["", "\n \n"])
@pytest.mark.parametrize("format", [name for name in FORMATS if name != "datasets"])  # no file: its own test
def test_an_empty_corpus_is_refused(tmp_path, content, format):
    with pytest.raises(CorpusError, match=r"corpus.txt holds no examples \(0 examples.*name a file"):
        list(read_examples(options(tmp_path, content, format=format)).examples)


def test_pairs(tmp_path):
    content = "A man sleeps.\tHe's awake.\tcontradiction\n\nx\ty\n u \t v \t \n"
    reading = read_examples(options(tmp_path, content, format="pairs"))
    first, second, third = reading.examples
    assert (first.text, first.text_b, first.label) == ("A man sleeps.", "He's awake.", "contradiction")
    assert [(w.segment, w.text) for w in first.words] == [
        (0, "A"), (0, "man"), (0, "sleeps"), (0, "."), (1, "He's"), (1, "awake"), (1, "."),
    ]  # fmt: skip
    assert first.text_b[first.words[5].char_start : first.words[5].char_end] == "awake"
    assert (second.source_id, second.label) == ("3", None)
    assert (third.text, third.text_b, third.label) == ("u", "v", None)
    assert reading.report.skipped == (Skipped("blank lines", 1, (2,)),)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("only one", "corpus.txt:2: 1 columns; a line of pairs is text TAB second text"),
        ("a\tb\tc\td", "corpus.txt:2: 4 columns"),
        ("\tb", "corpus.txt:2: column 1 is empty"),
        ("a\t \tc", "corpus.txt:2: column 2 is empty"),
    ],
)
def test_malformed_pairs(tmp_path, line, message):
    with pytest.raises(CorpusError, match=message):
        list(read_examples(options(tmp_path, f"a\tb\n{line}\n", format="pairs")).examples)


def test_unknown_format():
    with pytest.raises(CorpusError, match="format = 'txt'; allowed are text, pairs, conllu, mnli") as refused:
        read_examples(ReadOptions(format="txt", path="x"))
    told = str(refused.value).partition("allowed are ")[2].split(", ")
    assert set(told) == set(FORMATS), "a format that would be refused next is not offered"


@pytest.mark.parametrize("format", LATER_FORMATS)
def test_later_formats_are_refused_by_name(format):
    with pytest.raises(
        NotYetError, match=f'format = "{format}" can not be read yet; this version reads text'
    ):
        read_examples(ReadOptions(format=format, path="x"))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"detokenize": "moses"}, "detokenize = 'moses'; allowed are wikitext, ptb"),
        ({"split_into": "words"}, "split_into = 'words'; allowed are sentences"),
        ({"text_from": "lemmas"}, "text_from = 'lemmas'; allowed are words, raw"),
        ({"text_from": "raw"}, 'text_from = "raw": only for format = "conllu" or "gum" or "edges"'),
        (
            {"split": "train"},
            'split = "train": only for format = "gum" or "semeval8" or "datasets", not "text"',
        ),
        ({"format": "semeval8", "split": "test"}, 'split = "test": allowed are train, dev'),
        ({"format": "propbank"}, 'format = "propbank" has no words: name the treebank it annotates'),
        ({"format": "squad", "detokenize": "ptb"}, 'detokenize = "ptb": only for format = "text" or "pairs"'),
        (
            {"format": "snli", "split_into": "sentences"},
            'only for format = "text" or "datasets", not "snli"; leave it out',
        ),
        ({"limit": 0}, "limit = 0; allowed are 1 and more"),
    ],
)
def test_options_that_are_never_allowed(given, message):
    with pytest.raises(CorpusError, match=message):
        check_options(ReadOptions(**{"format": "text", "path": "x", **given}))


def test_every_format_of_this_version_has_a_reader():
    assert tuple(READERS) == FORMATS
