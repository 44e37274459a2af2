"""LocalRunner: jobs as processes of this machine, one at a time, logs in a folder."""

import os
import signal
import subprocess
import sys
from collections import deque
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Lock, Thread
from typing import IO

from actstore.errors import NotFoundError
from actstore.serve.jobs import ENDED, JobInfo, JobRequest, State
from jobs.runners.studies import StudyFolder

LOG_BYTES = 256_000
"""Of the end of a log that is looked at."""
STOP_SECONDS = 30


@dataclass
class _Job:
    info: JobInfo
    words: list[str]
    log: Path
    process: "subprocess.Popen[bytes] | None" = None


class LocalRunner:
    """Runs `python -m jobs.STAGE`; the next one waits for the one before. Forgets its jobs when it ends."""

    def __init__(self, studies: StudyFolder, log_folder: Path, options: tuple[str, ...] = ()) -> None:
        self.studies, self.log_folder, self.options = studies, log_folder, options
        self._jobs: dict[str, _Job] = {}
        self._waiting: deque[str] = deque()
        self._lock = Lock()
        self._worker: Thread | None = None

    def submit(self, request: JobRequest) -> JobInfo:
        study = self.studies.find(request)
        base = request.base_id(study.path.read_bytes())
        with self._lock:
            same = [job for name, job in self._jobs.items() if name.rpartition("-")[0] == base]
            for job in same:
                if job.info.state not in ENDED:
                    return job.info
            job_id = f"{base}-{len(same) + 1}"
            words = [sys.executable, "-m", f"jobs.{request.stage}", str(study.path), *request.words,
                     "--store", self.studies.store]  # fmt: skip
            words += list(self.options) if request.stage != "report" else []
            info = JobInfo(id=job_id, study=request.study, stage=request.stage, state="pending")
            self._jobs[job_id] = _Job(info, words, self.log_folder / f"{job_id}.log")
            self._waiting.append(job_id)
            if self._worker is None or not self._worker.is_alive():
                self._worker = Thread(target=self._work, daemon=True)
                self._worker.start()
        return info

    def jobs(self) -> list[JobInfo]:
        with self._lock:
            return [job.info for job in reversed(self._jobs.values())]

    def job(self, job_id: str) -> JobInfo:
        return self._find(job_id).info

    def log(self, job_id: str, n_lines: int) -> str:
        path = self._find(job_id).log
        if not path.exists():
            return ""
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - LOG_BYTES))
            return "\n".join(file.read().decode(errors="replace").splitlines()[-n_lines:])

    def stop(self, job_id: str) -> JobInfo:
        job = self._find(job_id)
        with self._lock:
            if job.info.state == "pending":
                self._waiting.remove(job_id)
            if job.info.state not in ENDED:
                job.info = replace(job.info, state="stopped")
            process = job.process
        if process is not None and process.poll() is None:
            _end(process)
        return job.info

    def close(self) -> None:
        """Stop whatever runs or waits."""
        for info in self.jobs():
            self.stop(info.id)

    def _find(self, job_id: str) -> _Job:
        with self._lock:
            job = self._jobs.get(job_id)
        if job is None:
            raise NotFoundError(f"no job {job_id!r}; GET /v1/jobs lists them")
        return job

    def _work(self) -> None:
        """Do what waits, one after the other; ends when nothing does."""
        while True:
            with self._lock:
                if not self._waiting:
                    self._worker = None
                    return
                job = self._jobs[self._waiting.popleft()]
                with job.log.open("wb") as log:
                    job.process = _start(job.words, log)
                job.info = replace(job.info, state="running")
            code = job.process.wait()
            with self._lock:
                if job.info.state == "running":
                    state: State = "succeeded" if code == 0 else "failed"
                    told = "" if code == 0 else f"exit code {code}; its log says why"
                    job.info = replace(job.info, state=state, exit_code=code, message=told)


def _start(words: list[str], log: IO[bytes]) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        words, stdout=log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, start_new_session=True,
        cwd=Path(__file__).parents[2],
    )  # fmt: skip


def _end(process: "subprocess.Popen[bytes]") -> None:
    """As Ctrl-C ends it, and by force where that is not enough."""
    os.killpg(process.pid, signal.SIGINT)
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
