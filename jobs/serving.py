"""Serving: the parts of a service put together, for one machine and for the replicas of Ray Serve alike."""

import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from actstore import __version__
from actstore.errors import RequestError
from actstore.serve.engine import SERVICE_LIMITS, Engine
from actstore.serve.gate import Gate
from actstore.serve.http.app import create_app
from actstore.serve.jobs import JobRunner
from actstore.store.root import open_root
from jobs.runners.local import LocalRunner
from jobs.runners.studies import StudyFolder

if TYPE_CHECKING:
    from fastapi import FastAPI

OPEN_ANSWERS = 256
WAIT_SECONDS = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceOptions:
    """How a service is set up. Picklable."""

    store: str
    token: str | None = field(repr=False)  # what is shown is logged
    working: int
    studies: Path | None = None
    allowed: tuple[Path, ...] = ()
    jobs_address: str | None = None
    python: str = "python"


def make_engine(options: ServiceOptions) -> Engine:
    """The engine over the store. Raises NotFoundError where there is none."""
    gate = Gate(working=options.working, open_answers=OPEN_ANSWERS, wait_seconds=WAIT_SECONDS)
    return Engine(open_root(options.store), SERVICE_LIMITS, gate)


def make_runner(options: ServiceOptions, store: str) -> JobRunner | None:
    """What runs jobs; None without a folder of studies. Raises RequestError, ClusterError."""
    if options.studies is None:
        if options.allowed or options.jobs_address:
            raise RequestError("--allow and --jobs-address go with --studies DIR: the studies that may run")
        return None
    for folder in (options.studies, *options.allowed):
        if not folder.is_dir():
            raise RequestError(f"{folder}: there is no such folder")
    studies = StudyFolder(options.studies.absolute(), store, options.allowed)
    if options.jobs_address is None:
        return LocalRunner(studies, Path(tempfile.mkdtemp(prefix="actstore-jobs-")))
    from jobs.runners.ray import RayRunner

    return RayRunner(studies, options.jobs_address, options.python)


def make_app(options: ServiceOptions, engine: Engine, runner: JobRunner | None) -> "FastAPI":
    """The HTTP application."""
    return create_app(engine, options.token, runner=runner, version=__version__)
