"""PropBank skeletons: constituents and semantic roles of a treebank's sentences, without their words.

Columns parted by blanks: document, sentence and token (from 0), [WORD], tag, a piece of the bracketing,
lemma, roleset, and one column of bracketed roles for each predicate of the sentence.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from actstore.errors import CorpusError
from actstore.formats.archive import text_files
from actstore.schema import canonical_json
from actstore.schema.text import Target

SRL, CONSTITUENTS = "srl", "constituents"
SUFFIX = ".gold_skel"
FIXED_COLUMNS, PARSE, LEMMA, ROLESET = 8, 5, 6, 7
PREDICATE = "V"
BRACKETS = re.compile(r"\(([^()*]+)|(\*)|(\))")
FUNCTION = re.compile(r"[-=].*")
"""What follows a constituent's category."""


@dataclass(frozen=True, slots=True)
class Skeleton:
    """The rows of a sentence."""

    where: str
    line: int
    rows: tuple[tuple[str, ...], ...]

    @property
    def sent_id(self) -> str:
        """The sentence's id in English Web Treebank releases: genre-document-number, the number from 1."""
        genre, _, document = self.rows[0][0].split("/")[-3:]
        return f"{genre}-{document.removesuffix('.xml')}-{int(self.rows[0][1]) + 1:04d}"


def skeletons(path: str) -> Iterator[Skeleton]:
    """The sentences of an archive, folder or file. Raises CorpusError with file and line."""
    for place, lines in text_files(path, lambda name: name.endswith(SUFFIX)):
        held: list[tuple[str, ...]] = []
        first = number = 0
        for number, line in lines:
            columns = tuple(line.split())
            if columns:
                first = first if held else number
                held.append(columns)
            elif held:
                yield _skeleton(place, first, held)
                held = []
        if held:
            yield _skeleton(place, first, held)


def constituents(skeleton: Skeleton) -> tuple[Target, ...]:
    """Brackets above the words, by span, the wider first; tags (height 1) are no constituents.

    The label is the category before the first "-" or "=". Raises CorpusError for brackets that are no tree.
    """
    found = _spans(skeleton, PARSE)
    return tuple(Target(span1=(a, b), labels=(FUNCTION.sub("", name) or name,)) for a, b, name in found)


def roles(skeleton: Skeleton) -> tuple[Target, ...]:
    """Arguments by predicate: span1 the predicate, span2 an argument, the role as it is written (C-, R-).

    Raises CorpusError for a predicate without a column, and for brackets that do not match.
    """
    rolesets = [
        (row[LEMMA], row[ROLESET], index) for index, row in enumerate(skeleton.rows) if row[ROLESET] != "-"
    ]
    n_columns = len(skeleton.rows[0]) - FIXED_COLUMNS
    if len(rolesets) != n_columns:
        raise CorpusError(
            f"{skeleton.where}: {len(rolesets)} predicates, {n_columns} columns of roles; mend the file"
        )
    targets = []
    for frame, (_, roleset, word) in enumerate(rolesets):
        found = _spans(skeleton, FIXED_COLUMNS + frame)
        predicate = next(((a, b) for a, b, name in found if name == PREDICATE), (word, word + 1))
        info = canonical_json({"frame": frame, "roleset": roleset})
        targets += [
            Target(span1=predicate, span2=(a, b), labels=(name,), info=info)
            for a, b, name in found
            if name != PREDICATE
        ]
    return tuple(targets)


def _skeleton(path: str, first: int, rows: list[tuple[str, ...]]) -> Skeleton:
    widths = [len(row) for row in rows]
    for index, width in enumerate(widths):
        if width < FIXED_COLUMNS or width != widths[0]:
            raise CorpusError(
                f"{path}:{first + index}: {width} columns; the lines of a sentence have the same number, at "
                f"least {FIXED_COLUMNS}"
            )
    if not rows[0][1].isdecimal() or rows[0][0].count("/") < 2:
        raise CorpusError(f"{path}:{first}: no .../genre/folder/document and sentence number in columns 1, 2")
    return Skeleton(f"{path}:{first}", first, tuple(rows))


def _spans(skeleton: Skeleton, column: int) -> list[tuple[int, int, str]]:
    """(first, end, label) of the brackets of a column, by span, the wider first."""
    pending: list[tuple[int, str]] = []
    found = []
    for index, row in enumerate(skeleton.rows):
        where = f"{skeleton.where.rpartition(':')[0]}:{skeleton.line + index}"
        pieces = BRACKETS.findall(row[column])
        if "".join(f"({name}" if name else star or close for name, star, close in pieces) != row[column]:
            raise CorpusError(f"{where}: column {column + 1} is {row[column]!r}; it has to be like (NP(X*)")
        for name, _, close in pieces:
            if name:
                pending.append((index, name))
            elif close:
                if not pending:
                    raise CorpusError(f"{where}: a bracket closes that is not open; the tree is no tree")
                begin, opened = pending.pop()
                found.append((begin, index + 1, opened, len(pending)))
    if pending:
        raise CorpusError(f"{skeleton.where}: ({pending[0][1]} is not closed; the tree is no tree")
    return [(a, b, name) for a, b, name, depth in sorted(found, key=lambda one: (one[0], -one[1], one[3]))]
