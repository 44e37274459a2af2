"""Places: which checkpoints can be compared on which corpus, and which examples there are."""

from itertools import combinations
from typing import Any

from actstore.session import Store
from actstore.store import names

EXAMPLES_SHOWN = 8


def comparable(store: Store) -> list[tuple[str, str, str]]:
    """(corpus, checkpoint, other) of complete runs of one tokenisation.

    A base comes before its own; pairs of a base and what was trained from it first, random ones last.
    """
    refs = {ref.name: ref for ref in names.checkpoints(store.objects)}
    groups: dict[tuple[str, str], list[str]] = {}
    for run in store.runs.to_pylist():
        members = groups.setdefault((run["corpus"], run["tokens_id"]), [])
        if run["complete"] and run["checkpoint"] not in members:
            members.append(run["checkpoint"])
    found = [
        (corpus, b, a) if refs[a].base == b else (corpus, a, b)
        for (corpus, _), members in groups.items()
        for a, b in combinations(members, 2)
    ]

    def order(place: tuple[str, str, str]) -> tuple[str, bool, bool]:
        random = "random" in (refs[place[1]].init, refs[place[2]].init)
        return place[0], random, refs[place[2]].base != place[1]

    return sorted(found, key=order)


def chosen(
    pairs: list[tuple[str, str, str]], corpus: str | None, a: str | None, b: str | None
) -> tuple[str, str, str] | None:
    """The place asked for, either way round, else the first that agrees with what was asked."""
    if corpus and a and b and ((corpus, a, b) in pairs or (corpus, b, a) in pairs):
        return corpus, a, b
    same = [pair for pair in pairs if corpus in (None, pair[0]) and {a, b} - {None} <= set(pair[1:])]
    return next(iter(same or pairs), None)


def examples(store: Store, corpus: str, find: str) -> list[dict[str, Any]]:
    """The first examples of a corpus that contain a text."""
    like = find.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_").replace("'", "''")
    statement = (
        f"SELECT example, text FROM examples WHERE corpus = '{corpus}' "
        f"AND text ILIKE '%{like}%' ESCAPE '\\' ORDER BY example LIMIT {EXAMPLES_SHOWN}"
    )
    return [{**row, "text": shortened(row["text"], 120)} for row in store.sql(statement).to_pylist()]


def n_examples(store: Store, corpus: str) -> int:
    """How many examples a corpus has."""
    return int(store.sql(f"SELECT max(n_examples) AS n FROM corpora WHERE name = '{corpus}'")["n"][0].as_py())


def contexts(store: Store, corpus: str, numbers: list[int]) -> dict[int, str]:
    """How some examples begin."""
    listed = ", ".join(map(str, numbers)) or "NULL"
    statement = f"SELECT example, text FROM examples WHERE corpus = '{corpus}' AND example IN ({listed})"
    return {row["example"]: shortened(row["text"], 90) for row in store.sql(statement).to_pylist()}


def shortened(text: str, n_characters: int) -> str:
    """A text's beginning, with a sign where it goes on."""
    return text if len(text) <= n_characters else text[: n_characters - 1].rstrip() + "\u2026"
