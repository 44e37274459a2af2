"""Status: whether the service is well, and its numbers for Prometheus. Says nothing of the store."""

from fastapi import APIRouter, Request
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.responses import PlainTextResponse, Response

router = APIRouter(tags=["status"])


@router.get("/health")
def health(request: Request) -> dict[str, str]:
    """Whether the service answers."""
    return {"status": "ok", "version": request.app.version}


@router.get("/metrics", response_class=PlainTextResponse)
def metrics(request: Request) -> Response:
    """Counts and times of requests, in Prometheus' text form."""
    return Response(
        generate_latest(request.app.state.engine.metrics.registry), media_type=CONTENT_TYPE_LATEST
    )
