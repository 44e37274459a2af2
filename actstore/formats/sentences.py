"""Sentences of running text by fixed rules: no model, no data, the same sentences everywhere.

A sentence ends after . ! ? or an ellipsis, with the quotes and brackets that close there, where white space
follows and after it a capital, a digit or an opening quote or bracket; and after the full stops of scripts
without spaces. A point does not end a sentence after a title or an abbreviation that is never last ("Dr.",
"e.g."), and after an initial or an abbreviation that can be last ("J.", "U.S.", "Inc.") only before a word
that seldom is a name.
"""

import re
from collections.abc import Iterator

END = re.compile(
    r"(?P<stop>[.!?…]+)[\"'”’»)\]}]*(?=\s+[\"'“‘«(\[{¿¡]*[^\W_])|[。！？।]+[”’」』)\]]*"  # noqa: RUF001
)
"""Where a sentence may end; spaced scripts first."""


def _words(listed: str) -> frozenset[str]:
    return frozenset(listed.split())


NEVER_LAST = _words(
    """mr mrs ms dr prof rev hon gen col lt sgt capt cmdr adm maj gov sen rep pres st ste mt ft messrs
    mme mlle vs v cf e.g i.e viz al approx ca no nos nr p pp vol vols fig figs eq eqs ch sec art ed eds trans
    jan feb mar apr jun jul aug sep sept oct nov dec"""
)
"""Lower case, without the last point. "al." and "no." do end sentences, but more often a name goes on."""
MAY_BE_LAST = _words("inc ltd co corp bros llc jr sr etc ave blvd rd a.m p.m u.s u.k u.n d.c b.c a.d ph.d")
STARTERS = _words(
    """a an the this that these those he she it we they you i his her its our their my your there here in on
    at by for from with after before during since when while as if although though but and or so yet however
    who what why how where no not one some many most all both each another"""
)
"""Words that stand with a capital mostly because a sentence begins."""
INITIAL = re.compile(r"[^\W\d_](?:\.[^\W\d_])*")
"""J, U.S, A.B.C: single letters with points between."""
WORD_BEFORE = re.compile(r"[^\s\"'“‘«(\[{]*$")  # noqa: RUF001
WORD_AFTER = re.compile(r"[\s\"'“‘«(\[{¿¡]*([^\W_]+)")  # noqa: RUF001


def split_sentences(text: str) -> tuple[str, ...]:
    """The sentences of a text in order, none empty; together they are the text but for white space."""
    found = []
    start = 0
    for end in _ends(text):
        found.append(text[start:end].strip())
        start = end
    return tuple(sentence for sentence in [*found, text[start:].strip()] if sentence)


def _ends(text: str) -> Iterator[int]:
    for found in END.finditer(text):
        stop = found["stop"]
        if stop is None or _is_end(text, stop, found.start(), found.end()):
            yield found.end()


def _is_end(text: str, stop: str, start: int, end: int) -> bool:
    """Whether a stop in a spaced script ends a sentence."""
    word_after = WORD_AFTER.match(text, end)
    if word_after is None or word_after[1][0].islower():
        return False
    next_word = word_after[1]
    if stop != ".":
        return True
    before = WORD_BEFORE.search(text[:start])
    word = before[0].lower() if before else ""
    if word in NEVER_LAST:
        # "No. 5", "p. 12" and "Jan. 3" go on; so do names
        return False
    if word in MAY_BE_LAST or (INITIAL.fullmatch(word) and word != "i"):
        another_initial = len(next_word) == 1 and text[word_after.end() :].startswith(".")
        return next_word.lower() in STARTERS and not another_initial
    return True
