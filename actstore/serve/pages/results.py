"""The results page: every finished analysis, its figures and its table."""

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from actstore.errors import NotFoundError
from actstore.serve.http.forms import plain
from actstore.serve.pages.site import engine_of, page
from actstore.store import paths
from actstore.store.objects import Objects
from actstore.store.results import ResultWriter, list_results

router = APIRouter(include_in_schema=False)
FIGURES = {".svg": "image/svg+xml", ".png": "image/png"}
ROWS_SHOWN = 50
# A figure's own scripts do not run in our name.
SANDBOXED = {"content-security-policy": "sandbox; default-src 'none'; style-src 'unsafe-inline'"}


@router.get("/results")
def listed(request: Request) -> Response:
    """Every finished result, the newest first, with its first figure."""
    objects = engine_of(request).store.objects
    rows = [{**row, "figures": figures(objects, row)} for row in list_results(objects)]
    return page(request, "results.html", rows=rows)


@router.get("/results/{kind}/{name}/{result_id}")
def shown(request: Request, kind: str, name: str, result_id: str) -> Response:
    """One result."""
    objects = engine_of(request).store.objects
    row = _find(objects, kind, name, result_id)
    found = ResultWriter(objects, kind, name, result_id)
    table, provenance = found.read_table("table.parquet"), found.provenance() or {}
    head = [[plain(value) for value in record.values()] for record in table.slice(0, ROWS_SHOWN).to_pylist()]
    return page(
        request, "result.html", row=row, figures=figures(objects, row), columns=table.column_names, head=head,
        n_rows=table.num_rows, rows_shown=ROWS_SHOWN,
        provenance={key: value for key, value in provenance.items() if isinstance(value, str | int | float)},
    )  # fmt: skip


@router.get("/results/{kind}/{name}/{result_id}/{file}")
def figure(request: Request, kind: str, name: str, result_id: str, file: str) -> Response:
    """A figure's file; only files that the result has."""
    objects = engine_of(request).store.objects
    row = _find(objects, kind, name, result_id)
    if file not in figures(objects, row):
        raise NotFoundError(f"no figure {file!r} in this result")
    content = objects.read(paths.result(kind, name, result_id, file))
    media = next(media for suffix, media in FIGURES.items() if file.endswith(suffix))
    return Response(content, media_type=media, headers=SANDBOXED)


def figures(objects: Objects, row: dict[str, Any]) -> list[str]:
    """Names of a result's figures, of each only its first form."""
    names = objects.children(paths.result(row["kind"], row["name"], row["result_id"], "").rstrip("/"))
    svg = sorted(name for name in names if name.endswith(".svg"))
    stems = {name.removesuffix(".svg") for name in svg}
    return svg + sorted(n for n in names if n.endswith(".png") and n.removesuffix(".png") not in stems)


def _find(objects: Objects, kind: str, name: str, result_id: str) -> dict[str, Any]:
    """The result, found in the list: what was asked for never becomes a path by itself."""
    for row in list_results(objects):
        if (row["kind"], row["name"], row["result_id"]) == (kind, name, result_id):
            return row
    raise NotFoundError(f"no result {kind}/{name}/{result_id}; the page Results lists them")
