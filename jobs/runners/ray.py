"""RayRunner: jobs on a Ray cluster, by Ray's own: they outlive a service, and its replicas share them."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from actstore.errors import ClusterError, NotFoundError
from actstore.serve.jobs import JobInfo, JobRequest, State
from jobs import submit
from jobs.runners.studies import StudyFolder
from jobs.upload import STUDY_FOLDER, gather

STATES: dict[str, State] = {
    "PENDING": "pending", "RUNNING": "running", "SUCCEEDED": "succeeded", "FAILED": "failed",
    "STOPPED": "stopped",
}  # fmt: skip


class RayRunner:
    """Submits, lists and stops jobs of one cluster. Holds no state."""

    def __init__(self, studies: StudyFolder, address: str, python: str = "python", threads: int = 1) -> None:
        self.studies, self.python, self.threads = studies, python, threads
        self.client = submit.connect(address)

    def submit(self, request: JobRequest) -> JobInfo:
        study = self.studies.find(request)
        upload = gather(study, submit.packages(), other_store=True)
        base = request.base_id(study.path.read_bytes())
        with _told_by_ray():
            running, following = submit.find(self.client, base)
            if running is None:
                words = [self.python, "-m", f"jobs.{request.stage}", f"{STUDY_FOLDER}/{study.path.name}"]
                words += [*request.words, "--store", self.studies.store]
                words += ["--threads", str(self.threads)] if request.stage != "report" else []
                told = {"served_study": request.study, "stage": request.stage}
                submit.start(self.client, following, words, upload, {}, told)
        return self.job(running or following)

    def jobs(self) -> list[JobInfo]:
        with _told_by_ray():
            listed = self.client.list_jobs()
        mine = [job for job in listed if "served_study" in (job.metadata or {})]
        return [_info(job) for job in sorted(mine, key=lambda job: -(job.start_time or 0))]

    def job(self, job_id: str) -> JobInfo:
        return _info(self._find(job_id))

    def log(self, job_id: str, n_lines: int) -> str:
        self._find(job_id)
        with _told_by_ray():
            text: str = self.client.get_job_logs(job_id)
        return "\n".join(text.splitlines()[-n_lines:])

    def stop(self, job_id: str) -> JobInfo:
        self._find(job_id)
        with _told_by_ray():
            self.client.stop_job(job_id)
        return self.job(job_id)

    def close(self) -> None:
        """Ray's jobs go on without the service."""

    def _find(self, job_id: str) -> Any:
        """The job, if this kind of service started it: others of the cluster are none of its business."""
        try:
            with _told_by_ray():
                found = self.client.get_job_info(job_id)
        except NotFoundError:
            found = None
        if found is None or "served_study" not in (found.metadata or {}):
            raise NotFoundError(f"no job {job_id!r}; GET /v1/jobs lists them")
        return found


@contextmanager
def _told_by_ray() -> Iterator[None]:
    """Ray's client raises RuntimeError for whatever the cluster answers, OSError where none does."""
    try:
        yield
    except RuntimeError as error:
        if "status code 404" in str(error):
            raise NotFoundError("no such job; GET /v1/jobs lists them") from error
        raise ClusterError(f"the cluster's jobs: {error}; ask again, or look at its dashboard") from error
    except OSError as error:
        raise ClusterError(f"the cluster's jobs do not answer ({error}); is its head still there?") from error


def _info(job: Any) -> JobInfo:
    state = STATES[str(getattr(job.status, "value", job.status))]
    return JobInfo(
        id=job.submission_id,
        study=job.metadata["served_study"],
        stage=job.metadata["stage"],
        state=state,
        message=(job.message or "")[:500] if state == "failed" else "",
        exit_code=job.driver_exit_code,
    )
