"""Jobs: extractions and analyses that a service starts for its clients. Knows neither Ray nor studies."""

from dataclasses import asdict, dataclass
from typing import Any, Literal, Protocol

from actstore.errors import RequestError
from actstore.schema import content_id
from actstore.schema.refs import NAME_PATTERN

STAGES = ("run", "finetune", "extract", "analyse", "report")
ENDED = ("succeeded", "failed", "stopped")
State = Literal["pending", "running", "succeeded", "failed", "stopped"]


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRequest:
    """What may be asked for: a study that lies with the service, and a few replacements. No TOML."""

    study: str
    """Name of a study file below the service's folder of studies."""
    stage: str = "run"
    names: tuple[str, ...] = ()
    """Of analyses; for the stage 'analyse'. Empty: all."""
    limit: int | None = None
    seed: int | None = None

    def __post_init__(self) -> None:
        if self.stage not in STAGES:
            raise RequestError(f"stage = {self.stage!r}: allowed are {', '.join(STAGES)}")
        if self.names and self.stage != "analyse":
            raise RequestError(f"names go with the stage 'analyse', not with {self.stage!r}")
        for name in self.names:
            if not NAME_PATTERN.fullmatch(name):
                raise RequestError(f"names: {name!r} can not be the name of an analysis")
        if self.limit is not None and self.limit < 1:
            raise RequestError(f"limit = {self.limit}: it must be 1 or more")
        if self.seed is not None and self.seed < 0:
            raise RequestError(f"seed = {self.seed}: it must be 0 or more")

    @property
    def words(self) -> list[str]:
        """As words of the command line, after the study."""
        words = list(self.names)
        words += [] if self.limit is None else ["--limit", str(self.limit)]
        words += [] if self.seed is None else ["--seed", str(self.seed)]
        return words

    def base_id(self, study_content: bytes) -> str:
        """The same for the same request of the same study: asking twice is asking once while it runs."""
        return f"job-{content_id([asdict(self), study_content.hex()])[:12]}"


@dataclass(frozen=True, slots=True, kw_only=True)
class JobInfo:
    """A job as it stands."""

    id: str
    study: str
    stage: str
    state: State
    message: str = ""
    exit_code: int | None = None

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


class JobRunner(Protocol):
    """Runs jobs. Implementations: on a Ray cluster, and as processes of this machine."""

    def submit(self, request: JobRequest) -> JobInfo:
        """Start a job, or return the one of the same request that runs. Raises RequestError."""
        ...

    def jobs(self) -> list[JobInfo]:
        """Every job that is known, the newest first."""
        ...

    def job(self, job_id: str) -> JobInfo:
        """One job. Raises NotFoundError."""
        ...

    def log(self, job_id: str, n_lines: int) -> str:
        """The last lines that a job wrote. Raises NotFoundError."""
        ...

    def stop(self, job_id: str) -> JobInfo:
        """End a job; what it has stored stays. Raises NotFoundError."""
        ...

    def close(self) -> None:
        """The service ends: jobs that can not outlive it end as well."""
        ...
