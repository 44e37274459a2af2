"""The jobs page: what runs and ran, and the end of its log."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from actstore.serve.jobs import ENDED
from actstore.serve.pages.site import page

router = APIRouter(include_in_schema=False)
LINES_SHOWN = 12


@router.get("/jobs")
def listed(request: Request) -> Response:
    """Every job; the page comes anew by itself while one runs."""
    runner = request.app.state.jobs
    if runner is None:
        return page(request, "jobs.html", served=False, jobs=[], running=False)
    jobs = runner.jobs()
    logs = {job.id: runner.log(job.id, LINES_SHOWN) for job in jobs[:20]}
    rows = [(job, logs.get(job.id, "")) for job in jobs]
    return page(
        request, "jobs.html", served=True, jobs=rows, running=any(job.state not in ENDED for job in jobs)
    )
