"""Mentions of entities as GUM writes them in CoNLL-U: brackets in `Entity=` of column 10.

"(3-abstract-new-..." opens a mention of entity 3, "3)" closes the last open one, "(3-...)" is a whole one.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations

from actstore.errors import CorpusError
from actstore.formats.report import Tally
from actstore.formats.treebank import Row
from actstore.schema import canonical_json
from actstore.schema.text import Span, Target

BRACKET = re.compile(r"\(([^()]+)(\))?|([^()]+)\)")
PART = re.compile(r"\[\d+/\d+\]")
"""Marks a mention in several pieces: 12[1/2]."""
SAME, OTHER = "1", "0"
"""Labels of a pair of mentions: of one entity, or of two."""


@dataclass(frozen=True, slots=True)
class Mention:
    """A span that mentions an entity."""

    span: Span
    entity: str
    kind: str


def mentions(rows: Sequence[Row], line: int, tally: Tally) -> tuple[Mention, ...]:
    """The mentions of a sentence, by span and entity. Raises CorpusError for brackets that do not match.

    Pieces of a mention in several are left out and counted: a target is one span.
    """
    found: list[Mention] = []
    pending: dict[str, list[tuple[int, str]]] = {}
    for index, row in enumerate(rows):
        for opened, whole, closed in BRACKET.findall(_entity(row)):
            entity, kind = (*(opened or closed).split("-"), "")[:2]
            if opened:
                pending.setdefault(entity, []).append((index, kind))
            if whole or closed:
                if not pending.get(entity):
                    raise CorpusError(
                        f"{row.where}: {closed}) closes a mention that is not open; mend Entity="
                    )
                begin, kind = pending[entity].pop()
                if PART.search(entity):
                    tally.skip("pieces of mentions in several pieces", line, unit="sentence at line")
                else:
                    found.append(Mention((begin, index + 1), entity, kind))
    if left := [entity for entity, begun in pending.items() if begun]:
        raise CorpusError(f"{rows[-1].where}: the mention of entity {left[0]} is not closed; mend Entity=")
    return tuple(sorted(found, key=lambda mention: (mention.span, mention.entity)))


def entity_targets(found: Sequence[Mention]) -> tuple[Target, ...]:
    """A target a mention, its label the kind of entity."""
    return tuple(
        Target(span1=one.span, labels=(one.kind,), info=canonical_json({"entity": one.entity}))
        for one in found
    )


def coreference_targets(found: Sequence[Mention], chains: frozenset[str]) -> tuple[Target, ...]:
    """All pairs of a sentence's mentions of the given entities, the earlier (then shorter) span first."""
    kept = [one for one in found if one.entity in chains]
    return tuple(
        Target(
            span1=first.span,
            span2=second.span,
            labels=(SAME if first.entity == second.entity else OTHER,),
            info=canonical_json({"entity1": first.entity, "entity2": second.entity}),
        )
        for first, second in combinations(kept, 2)
        if first.span != second.span
    )


def chains_of(document: Iterable[Sequence[Mention]]) -> frozenset[str]:
    """The entities that a document mentions at least twice, as OntoNotes annotates them."""
    counts = Counter(mention.entity for found in document for mention in found)
    return frozenset(entity for entity, count in counts.items() if count > 1)


def _entity(row: Row) -> str:
    fields = (field for field in row.misc.split("|") if field.startswith("Entity="))
    return next(fields, "Entity=").removeprefix("Entity=")
