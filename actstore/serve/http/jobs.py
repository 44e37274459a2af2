"""Jobs over HTTP: submit a study that lies with the service, follow it, stop it."""

import json
from dataclasses import fields
from typing import Annotated, Any

from fastapi import APIRouter, Body, Query, Request
from pydantic import TypeAdapter, ValidationError
from starlette.responses import PlainTextResponse

from actstore import wire
from actstore.errors import NotYetError, RequestError
from actstore.serve.http.questions import MORE
from actstore.serve.jobs import JobRequest, JobRunner

router = APIRouter(prefix="/v1/jobs", tags=["jobs"])
REQUEST = TypeAdapter(JobRequest)
ANSWERS: dict[int | str, dict[str, Any]] = {
    **{code: MORE[code] for code in (400, 401, 404, 413)},
    501: {"description": "no jobs are served"},
    503: {"description": "the cluster that runs jobs does not answer"},
}


def runner_of(request: Request) -> JobRunner:
    """What runs jobs. Raises NotYetError where the service was started without a folder of studies."""
    runner: JobRunner | None = request.app.state.jobs
    if runner is None:
        raise NotYetError("this service starts no jobs; `actstore serve STORE --studies DIR` does")
    return runner


@router.post("", responses=ANSWERS)
def submit(request: Request, job: Annotated[dict[str, Any], Body()]) -> dict[str, Any]:
    """Start `{"study": NAME, "stage": ..., "names": [...], "limit": N, "seed": N}`; twice is once."""
    allowed = [field.name for field in fields(JobRequest)]
    if unknown := sorted(set(job) - set(allowed)):
        raise RequestError(f"unknown {', '.join(map(repr, unknown))}; allowed are {', '.join(allowed)}")
    try:
        asked = REQUEST.validate_json(json.dumps(job), strict=True)
    except ValidationError as error:
        raise RequestError(wire.told(error)) from None
    return runner_of(request).submit(asked).to_dict()


@router.get("", responses=ANSWERS)
def listed(request: Request) -> list[dict[str, Any]]:
    """Every job, the newest first."""
    return [job.to_dict() for job in runner_of(request).jobs()]


@router.get("/{job_id}", responses=ANSWERS)
def told(request: Request, job_id: str) -> dict[str, Any]:
    """One job."""
    return runner_of(request).job(job_id).to_dict()


@router.get("/{job_id}/log", response_class=PlainTextResponse, responses=ANSWERS)
def log(request: Request, job_id: str, lines: Annotated[int, Query(ge=1, le=10_000)] = 100) -> str:
    """The last lines that the job wrote."""
    return runner_of(request).log(job_id, lines)


@router.post("/{job_id}/stop", responses=ANSWERS)
def stop(request: Request, job_id: str) -> dict[str, Any]:
    """End a job; what it has stored stays."""
    return runner_of(request).stop(job_id).to_dict()
