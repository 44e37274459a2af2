# ruff: noqa: RUF001  the texts have such quotes and dashes
"""Detokenize "wikitext" and "ptb": lines by hand, properties, and every line of the real files."""

import os
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actstore.formats.glue import Piece, join_pieces
from actstore.formats.ptb import BRACKETS, CUT, QUOTES, ptb
from actstore.formats.wikitext import is_heading, wikitext

WIKITEXT = [
    ("a guest @-@ starring role", "a guest-starring role"),
    ("10 @,@ 000 at 0 @.@ 93 km / h ( 0 @.@ 58 mph ) .", "10,000 at 0.93 km/h (0.58 mph)."),
    ('a role as " Craig " in " Teddy \'s Story " ;', 'a role as "Craig" in "Teddy\'s Story";'),
    ("They don 't , we 'll , I 've", "They don't, we'll, I've"),
    ("the ships ' endurance", "the ships' endurance"),
    ("nicknamed ' Purdah ' , was", "nicknamed 'Purdah', was"),
    ("For several years ' Harvey steel ' was new", "For several years 'Harvey steel' was new"),
    ("the late ' 90s", "the late '90s"),
    ("at 16 : 40 , in 2000 – 2005 , title : of a kind", "at 16:40, in 2000–2005, title: of a kind"),
    ("the Guard ( Zbor – ZNG ) began", "the Guard (Zbor – ZNG) began"),
    ("happy — and boring — couple", "happy—and boring—couple"),
    ("14 @.@ 5 ° C and 25 ° N", "14.5 °C and 25° N"),
    ("$ 3 million , # 8 , US $ 1 @,@ 500 , 34 %", "$3 million, #8, US $1,500, 34%"),
    ("Sony / ATV , take it slow / And you", "Sony/ATV, take it slow / And you"),
    ("[ ... ] don ’ t , owners ’ houses", "[...] don’t, owners’ houses"),
    ("AT & T", "AT & T"),
    ("= Robert Boulter =", "Robert Boulter"),
    ("  = = = 2000 – 2005 = = =\n", "2000–2005"),
    ("x = y", "x = y"),
    ("= = =", "= = ="),
    ("", ""),
]
PTB = [
    ("-LRB- j -RRB- Wait -LSB- sic -RSB-", "(j) Wait [sic]"),
    ("call -LRB-202-RRB- 512", "call (202) 512"),
    ("`` Do n't sue me ! '' Royko wrote .", '"Don\'t sue me!" Royko wrote.'),
    ("added : `` He said : ` That alters . ' And I 've been .",
     "added: \"He said: 'That alters.' And I've been."),
    ("The Americans ' plan , Naxos 's walls", "The Americans' plan, Naxos's walls"),
    ("You CA N'T and ca n't , they can not", "You CAN'T and can't, they cannot"),
    ("they 're gon na , I wan na", "they're gonna, I wanna"),
    ("owing $ 58,000 or 10 % , US$ 5", "owing $58,000 or 10%, US$5"),
    ("per family -- or persuade", "per family -- or persuade"),
    ("and\\/or 1\\/2", "and/or 1/2"),
    ('he said " yes " .', 'he said "yes".'),
    ("the '90s", "the '90s"),
    ("", ""),
]  # fmt: skip


@pytest.mark.parametrize(("line", "text"), WIKITEXT)
def test_wikitext(line, text):
    assert wikitext(line) == text


@pytest.mark.parametrize(("line", "text"), PTB)
def test_ptb(line, text):
    assert ptb(line) == text


def test_pieces_touch_where_either_side_says_so():
    pieces = [Piece("a", left=True), Piece("("), Piece("b", left=True, right=True), Piece("c"), Piece("d")]
    assert join_pieces(pieces) == "a (bc d"
    assert join_pieces([]) == ""


def test_headings():
    assert is_heading(" = = Career = = \n")
    assert not is_heading("= = Career =")
    assert not is_heading("a = b")


TOKENS = st.sampled_from(
    [*"abc.,;:?!%()[]/–—°’“”'\"#$+&=", "@-@", "@,@", "@.@", "n't", "'s", "Ab", "X", "12", "0", "ships", "..."]
)
LINES = st.lists(TOKENS, max_size=30).map(" ".join)


def unspaced(text: str) -> str:
    return "".join(text.split())


@given(LINES)
def test_wikitext_changes_spaces_and_marks_only(line):
    marks = re.sub(r"@([-,.])@", r"\1", line)
    if not is_heading(line):
        assert unspaced(wikitext(line)) == unspaced(marks)


PTB_TOKENS = st.sampled_from(
    [*"ab.,;:?!%()-`'", *BRACKETS, *QUOTES, *(w for pair in CUT for w in pair), "n't", "5"]
)


@given(st.lists(PTB_TOKENS, max_size=30))
def test_ptb_changes_spaces_brackets_and_quotes_only(tokens):
    signs = BRACKETS | QUOTES
    assert unspaced(ptb(" ".join(tokens))) == "".join(signs.get(token, token) for token in tokens)


@given(st.text(alphabet="abc XYZ 123 \n\t"))
def test_words_alone_stay(text):
    words = " ".join(text.split())
    assert ptb(text) == words
    assert wikitext(text) == words


def real(*parts: str) -> list[str]:
    if "ACTSTORE_DATA" not in os.environ:
        pytest.skip("ACTSTORE_DATA is not set")
    lines = Path(os.environ["ACTSTORE_DATA"], *parts).read_text(encoding="utf-8").split("\n")
    return [line for line in lines if line.strip()]


@pytest.mark.data
def test_all_of_wikitext():
    lines = real("wikitext2", "wikitext-test.raw.txt")
    texts = [wikitext(line) for line in lines]
    assert len(lines) == 2891
    assert sum(map(is_heading, lines)) > 600
    for line, text in zip(lines, texts, strict=True):
        if not is_heading(line):
            assert unspaced(text) == unspaced(re.sub(r"@([-,.])@", r"\1", line))
        assert wikitext(text) == text, "a text that is none of tokens stays"
    whole = "\n".join(texts)
    assert not re.search(r"@[-,.]@", whole)
    # what every tokeniser cuts off stands where it did: no space before a comma, none after a bracket
    assert not re.search(r" [,;?!)\]%](?=\s|$)|[(\[] ", whole)
    assert len(re.findall(r' "(?=\s)', whole)) < 5


@pytest.mark.data
@pytest.mark.parametrize("name", ["mnli_matched", "mnli_mismatched"])
def test_all_of_an_mnli_file(name):
    lines = [text for line in real("mnli_1k", name) for text in line.split("\t")[1:]]
    assert len(lines) == 2000
    whole = "\n".join(ptb(line) for line in lines)
    assert not re.search(r"-[LR][RSC]B-|``|''| n't\b|\w 's\b| 'll\b| [,.;?!](?=\s|$)", whole)
    assert whole.count("n't") > 120
    assert unspaced(whole.replace('"', "''")) == unspaced(
        "\n".join(lines).replace("``", "''").replace('"', "''").replace("`", "'")
        .replace("-LRB-", "(").replace("-RRB-", ")").replace("-LSB-", "[").replace("-RSB-", "]")
    )  # fmt: skip
