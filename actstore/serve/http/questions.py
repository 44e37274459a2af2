"""Questions over HTTP: the catalog, activations, neighbours, SQL and results."""

from typing import Annotated, Any

from fastapi import APIRouter, Body, Header, Query, Request
from starlette.responses import Response

from actstore import wire
from actstore.errors import NotFoundError
from actstore.schema.requests import CATALOG
from actstore.schema.tables import RESULTS
from actstore.serve.engine import Engine
from actstore.serve.http.forms import ARROW, JSON, respond

router = APIRouter(prefix="/v1", tags=["questions"])
Accept = Annotated[str | None, Header(description=f"{ARROW} or {JSON}")]
Names = Annotated[list[str], Query()]
MORE: dict[int | str, dict[str, Any]] = {
    200: {"content": {ARROW: {}, JSON: {}}},
    400: {"description": "the request is wrong; nothing was done"},
    401: {"description": "the token is missing or another"},
    404: {"description": "no such checkpoint, corpus, run or site"},
    409: {"description": "the run is not complete"},
    413: {"description": "the body is too large"},
    503: {"description": "too much is going on; ask again"},
}


def ask(request: Request, kind: str, told: dict[str, Any], accept: str | None, default: str) -> Response:
    """Ask the engine; keys that are None are left at their defaults."""
    engine: Engine = request.app.state.engine
    given = {key: value for key, value in told.items() if value is not None}
    return respond(engine.answer(wire.parse(kind, given)), accept, default)


@router.post("/ask", responses=MORE)
def any_question(
    request: Request, ticket: Annotated[dict[str, Any], Body()], accept: Accept = None
) -> Response:
    """Any request as JSON with its kind: what `actstore.open("http://...")` sends."""
    kind = ticket.pop("kind", None)
    engine: Engine = request.app.state.engine
    return respond(engine.answer(wire.parse(kind, ticket)), accept, ARROW)


@router.get("/query", responses=MORE)
def query(  # noqa: PLR0917  FastAPI's way of naming parameters
    request: Request,
    checkpoint: Names,
    corpus: str,
    layer: Annotated[list[int] | None, Query()] = None,
    site: Annotated[list[str] | None, Query()] = None,
    where: str | None = None,
    unit: str | None = None,
    pool: str | None = None,
    limit: int | None = None,
    sample: int | None = None,
    seed: int | None = None,
    run: Annotated[list[str] | None, Query()] = None,
    allow_partial: bool = False,
    accept: Accept = None,
) -> Response:
    """Stored activations with their tokens, as `actstore query` gives them."""
    told = {
        "checkpoints": checkpoint, "corpus": corpus, "layers": layer, "sites": site, "where": where,
        "unit": unit, "pool": pool, "limit": limit, "sample": sample, "seed": seed, "runs": run,
        "allow_partial": allow_partial,
    }  # fmt: skip
    return ask(request, "query", told, accept, ARROW)


@router.get("/nearest", responses=MORE)
def nearest(  # noqa: PLR0917  as query
    request: Request,
    checkpoint: Names,
    corpus: str,
    example: int,
    position: int,
    layer: Annotated[list[int] | None, Query()] = None,
    site: Annotated[list[str] | None, Query()] = None,
    k: int | None = None,
    where: str | None = None,
    unit: str | None = None,
    pool: str | None = None,
    run: Annotated[list[str] | None, Query()] = None,
    accept: Accept = None,
) -> Response:
    """The stored tokens (or words) nearest to one of them, by cosine."""
    told = {
        "checkpoints": checkpoint, "corpus": corpus, "example": example, "position": position,
        "layers": layer, "sites": site, "k": k, "where": where, "unit": unit, "pool": pool, "runs": run,
    }  # fmt: skip
    return ask(request, "nearest", told, accept, JSON)


@router.post("/sql", responses=MORE)
def sql(request: Request, statement: Annotated[str, Body(embed=True)], accept: Accept = None) -> Response:
    """One SELECT over the store's tables."""
    return ask(request, "sql", {"statement": statement}, accept, JSON)


@router.get("/results/{kind}", responses=MORE)
def results(request: Request, kind: str, accept: Accept = None) -> Response:
    """The newest results of a kind of analysis, as the table of that name."""
    if kind not in RESULTS:
        raise NotFoundError(f"no results of kind {kind!r}; there are {', '.join(RESULTS)}")
    return ask(request, "sql", {"statement": f"SELECT * FROM {kind}"}, accept, JSON)


@router.get("/{table}", responses=MORE)
def catalog(request: Request, table: str, accept: Accept = None) -> Response:
    """One of the tables checkpoints, corpora and runs."""
    if table not in CATALOG:
        raise NotFoundError(f"/v1/{table}: there are {', '.join(CATALOG)}; /docs lists all that can be asked")
    return ask(request, "table", {"name": table}, accept, JSON)
