"""The HTTP application: routes, who may ask, how large a request may be, how errors are told."""

from fastapi import Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.middleware.trustedhost import TrustedHostMiddleware

from actstore.errors import (
    AccessError,
    ActstoreError,
    BusyError,
    ClusterError,
    IncompleteRunError,
    NotFoundError,
    NotYetError,
    RequestError,
)
from actstore.serve.auth import check_authorization
from actstore.serve.engine import Engine
from actstore.serve.http import jobs as job_routes
from actstore.serve.http import questions, status
from actstore.serve.http.body import BodyLimit
from actstore.serve.http.samesite import SameSite
from actstore.serve.jobs import JobRunner
from actstore.serve.pages import catalog, explore, jobs, reference, results, site, sql

STATUS: tuple[tuple[type[ActstoreError], int], ...] = (
    (AccessError, 401),
    (NotFoundError, 404),
    (NotYetError, 501),
    (IncompleteRunError, 409),
    (BusyError, 503),
    (ClusterError, 503),
    (RequestError, 400),
)
LOOPBACK_NAMES = ["localhost", "127.0.0.1", "[::1]"]


def create_app(
    engine: Engine, token: str | None = None, *, runner: JobRunner | None = None, version: str = "0"
) -> FastAPI:
    """The application over an engine. Without a token it answers to loopback names only (DNS rebinding)."""

    def authorized(request: Request) -> None:
        check_authorization(request.headers.get("authorization"), token)

    app = FastAPI(
        title="actstore",
        version=version,
        docs_url=None,  # those pages load scripts from elsewhere
        redoc_url=None,
        description="Stored activations of language models: queries, SQL and the catalog.",
    )
    app.state.engine = engine
    app.state.jobs = runner
    app.include_router(status.router)
    for part in (job_routes, questions, catalog, explore, jobs, reference, results, sql, site):
        app.include_router(part.router, dependencies=[Depends(authorized)])
    app.add_middleware(BodyLimit)
    app.add_middleware(SameSite)
    if token is None:
        app.add_middleware(TrustedHostMiddleware, allowed_hosts=LOOPBACK_NAMES)
    _tell_errors(app, engine)
    return app


def _tell_errors(app: FastAPI, engine: Engine) -> None:
    @app.exception_handler(ActstoreError)
    def ours(request: Request, error: ActstoreError) -> JSONResponse:
        code = next((code for kind, code in STATUS if isinstance(error, kind)), 500)
        headers = {"WWW-Authenticate": 'Basic realm="actstore"'} if code == 401 else {}
        headers |= {"Retry-After": "2"} if code == 503 else {}
        return JSONResponse(engine.told(error), code, headers)

    @app.exception_handler(RequestValidationError)
    def wrong(request: Request, error: RequestValidationError) -> JSONResponse:
        parts = [f"{'.'.join(map(str, item['loc'][1:]))}: {item['msg']}" for item in error.errors()]
        return JSONResponse({"error": "RequestError", "message": "; ".join(parts)}, 422)

    @app.exception_handler(HTTPException)
    def other(request: Request, error: HTTPException) -> JSONResponse:
        told = {"error": "RequestError", "message": f"{error.detail}; /docs lists what can be asked"}
        return JSONResponse(told, error.status_code, error.headers)
