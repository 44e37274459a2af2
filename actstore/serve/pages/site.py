"""The site: its routes, its templates, what every page may load. Everything comes from this service."""

from functools import cache
from importlib.resources import files
from typing import Any

from fastapi import APIRouter, Request
from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.responses import HTMLResponse, Response

from actstore.serve.engine import Engine

# Vega makes functions of expressions: 'unsafe-eval' is for those; scripts come from here only.
POLICY = (
    "default-src 'none'; script-src 'self' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; img-src 'self'; "
    "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
HEADERS = {
    "content-security-policy": POLICY,
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "cache-control": "no-store",
}
KEPT = {"cache-control": "private, max-age=3600", "x-content-type-options": "nosniff"}
router = APIRouter(include_in_schema=False)


@cache
def templates() -> Environment:
    """The templates; whatever is put into them is escaped, and a missing name is an error."""
    loader = PackageLoader("actstore.serve.pages")
    environment = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    environment.filters["bytes"] = told_bytes
    environment.filters["count"] = lambda number: f"{number:,}"
    return environment


def page(request: Request, template: str, status: int = 200, **values: Any) -> HTMLResponse:
    """One page."""
    here = request.url.path
    text = templates().get_template(template).render(here=here, version=request.app.version, **values)
    return HTMLResponse(text, status, HEADERS)


def engine_of(request: Request) -> Engine:
    """The engine behind the pages."""
    engine: Engine = request.app.state.engine
    return engine


def told_bytes(n_bytes: float) -> str:
    """A size with its unit."""
    for unit in ("B", "kB", "MB", "GB"):
        if n_bytes < 1000:
            return f"{n_bytes:.0f} {unit}" if unit == "B" else f"{n_bytes:.1f} {unit}"
        n_bytes /= 1000
    return f"{n_bytes:.1f} TB"


@router.get("/static/{name}")
def static(name: str) -> Response:
    """Style and scripts."""
    kinds = {"style.css": "text/css", "charts.js": "text/javascript", "icon.svg": "image/svg+xml"}
    if name == "vega.js":
        return Response(_vega(), media_type="text/javascript", headers=KEPT)
    if name not in kinds:
        return Response("no such file", 404)
    content = files("actstore.serve.pages").joinpath("static", name).read_bytes()
    return Response(content, media_type=kinds[name], headers=KEPT)


@cache
def _vega() -> str:
    """Vega, Vega-Lite and Vega-Embed as one script, from the package that draws our figures."""
    import vl_convert

    bundle: str = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;")
    return bundle
