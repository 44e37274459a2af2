"""SPR2 (White et al. 2016): ratings of an argument's proto-role properties, over a treebank's sentences.

The released table, or its archive; `ud_ids.json` (or .gz) beside it says which sentence of today's treebank
each of its ids ("en-ud-train.conllu 5620") is.
"""

import html
import math
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from actstore.errors import CorpusError
from actstore.formats.archive import Lines, text_files
from actstore.formats.json_text import document, take
from actstore.schema import canonical_json
from actstore.schema.text import Span, Target

SPR = "spr"
TABLE = re.compile(r"(.*/)?protoroles_eng_ud[^/]*\.tsv")
ID_FILES = ("ud_ids.json.gz", "ud_ids.json")
COLUMNS = (
    "Sentence.ID", "Pred.Token", "Arg.Phrase", "Arg.Tokens.Begin", "Arg.Tokens.End", "Property", "Response",
    "Applicable",
)  # fmt: skip
NOT_APPLICABLE, POSITIVE_ABOVE = 1.0, 3.0
"""A property that does not apply counts as the lowest answer; positive is a mean answer above the middle."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A predicate and an argument of a sentence, with the answers for each property."""

    line: int
    predicate: Span
    argument: Span
    phrase: str
    answers: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    def target(self) -> Target:
        """Its positive properties as labels, the mean answers as info."""
        means = {name: sum(values) / len(values) for name, values in sorted(self.answers.items())}
        return Target(
            span1=self.predicate,
            span2=self.argument,
            labels=tuple(name for name, mean in means.items() if mean > POSITIVE_ABOVE),
            info=canonical_json({"mean_answer": {name: round(mean, 4) for name, mean in means.items()}}),
        )


def rated_pairs(path: str) -> dict[str, list[Pair]]:
    """Pairs by the sentence's id in today's treebank, by predicate and argument. Raises CorpusError."""
    ids = _sentence_ids(path)
    pairs: dict[tuple[str, Span, Span], Pair] = {}
    for where, number, row in _rows(path):
        try:
            predicate, begin, end = (int(row[key]) for key in COLUMNS[1:2] + COLUMNS[3:5])
            answer = float(row["Response"])
        except ValueError as error:
            raise CorpusError(f"{where}: {error}; Pred.Token, Arg.Tokens and Response are numbers") from error
        sentence = ids.get(row["Sentence.ID"])
        if sentence is None:
            raise CorpusError(f"{where}: {row['Sentence.ID']!r} is not in ud_ids.json; take the file of UDS")
        key = (sentence, (predicate, predicate + 1), (begin, end + 1))
        phrase = html.unescape(row["Arg.Phrase"])
        pair = pairs.setdefault(key, Pair(number, key[1], key[2], phrase))
        if not math.isnan(answer):  # a few answers were lost
            pair.answers[row["Property"]].append(answer if row["Applicable"] == "yes" else NOT_APPLICABLE)
    found: dict[str, list[Pair]] = defaultdict(list)
    for sentence, predicate_span, argument in sorted(pairs):
        found[sentence].append(pairs[sentence, predicate_span, argument])
    return dict(found)


def _rows(path: str) -> Iterator[tuple[str, int, Mapping[str, str]]]:
    for place, lines in text_files(path, lambda name: TABLE.fullmatch(name) is not None):
        header = _header(place, lines)
        for number, line in lines:
            values = line.split("\t")
            if line and len(values) != len(header):
                raise CorpusError(f"{place}:{number}: {len(values)} columns; the header has {len(header)}")
            if line:
                yield f"{place}:{number}", number, dict(zip(header, values, strict=True))


def _header(place: str, lines: Lines) -> list[str]:
    names = next(lines, (1, ""))[1].split("\t")
    missing = [name for name in COLUMNS if name not in names]
    if missing:
        raise CorpusError(f"{place}:1: no column {', '.join(missing)}; take the released table of SPR2")
    return names


def _sentence_ids(path: str) -> dict[str, str]:
    """Today's sentence id by the table's."""
    folder = Path(path).parent
    place = next((str(folder / name) for name in ID_FILES if (folder / name).is_file()), None)
    if place is None:
        raise CorpusError(
            f"no {' or '.join(ID_FILES)} beside {path}; it comes with UDS (decomp.io): put it there"
        )
    value: Any = document(place)
    found = {}
    for key, entry in value.items():
        _, split, number = key.split("-")
        found[f"en-ud-{split}.conllu {number}"] = take(entry, "sentence_id", str, f"{place}: {key}")
    return found
