"""The sentence explorer: a heat map of change, and a word's neighbours in both checkpoints."""

import json
from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from actstore.schema.query import UNITS
from actstore.schema.refs import NAME_PATTERN
from actstore.serve.pages.change import change_of
from actstore.serve.pages.curve import chart
from actstore.serve.pages.places import chosen, comparable, contexts, examples, n_examples
from actstore.serve.pages.site import engine_of, page
from actstore.session import Store

router = APIRouter(include_in_schema=False)
NEIGHBOURS = 8
Name = Annotated[str | None, Query(pattern=NAME_PATTERN.pattern)]


@router.get("/explore")
def explore(  # noqa: PLR0917  the parts of a place, by name
    request: Request,
    corpus: Name = None,
    a: Name = None,
    b: Name = None,
    example: Annotated[int, Query(ge=0)] = 0,
    unit: str = "word",
    position: Annotated[int | None, Query(ge=0)] = None,
    layer: Annotated[int | None, Query(ge=0)] = None,
    find: Annotated[str, Query(max_length=200)] = "",
) -> Response:
    """One example, two checkpoints."""
    engine = engine_of(request)
    pairs = comparable(engine.store)
    place = chosen(pairs, corpus, a, b)
    unit = unit if unit in UNITS else "word"
    values: dict[str, Any] = {"pairs": pairs, "place": place, "example": example, "unit": unit, "find": find}
    if place is None:
        return page(request, "explore_none.html", **values)
    with engine.gate.work():
        change = change_of(engine.store, place[0], place[1:], example, unit)
        shown = layer if layer in change.layer_L else change.layer_L[-1]
        position = position if position in change.position_N else None
        values |= {
            "change": change, "layer": shown, "top": float(np.nanmax(change.change_NL, initial=1e-9)),
            "position": position, "ranking": change.most_changed(shown)[:10],
            "examples": examples(engine.store, place[0], find),
            "n_examples": n_examples(engine.store, place[0]),
            "chart": json.dumps(chart(change, position)),
            "neighbours": _neighbours(engine.store, place, example, position, shown, unit),
        }  # fmt: skip
    return page(request, "explore.html", **values)


def _neighbours(  # noqa: PLR0917
    store: Store, place: tuple[str, str, str], example: int, position: int | None, layer: int, unit: str
) -> list[tuple[str, list[dict[str, Any]]]]:
    if position is None:
        return []
    found = store.nearest(place[1:], place[0], example, position, layers=[layer], k=NEIGHBOURS, unit=unit)
    rows = found.to_pylist()
    texts = contexts(store, place[0], sorted({row["example"] for row in rows}))
    for row in rows:
        row["context"] = texts.get(row["example"], "")
    return [(name, [row for row in rows if row["checkpoint"] == name]) for name in dict.fromkeys(place[1:])]
