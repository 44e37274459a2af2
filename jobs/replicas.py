"""Replicas: the HTTP service on Ray Serve: `serve run jobs.replicas:application store=URL`."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, PositiveInt, ValidationError
from ray import serve

from actstore import wire
from actstore.errors import RequestError
from actstore.serve.auth import TOKEN_VARIABLE, read_token
from jobs.serving import ServiceOptions, make_app, make_engine, make_runner

if TYPE_CHECKING:
    from fastapi import FastAPI

DEPLOYMENT = "Service"
"""The name under which `deployments:` of a Serve configuration changes replicas and resources."""
MAX_ONGOING_REQUESTS = 64
HEALTH_SECONDS = 10.0


class ReplicaArguments(BaseModel):
    """What `serve run` or a RayService gives: `store=URL` and the rest by name."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    store: str
    replicas: PositiveInt = 2
    """Of the start; `deployments:` of a configuration has the last word."""
    working: PositiveInt = 2
    """Questions that one replica works on at once."""
    token_file: Path | None = None
    """Where it lies on every node; by default the token is in ACTSTORE_TOKEN."""
    studies: Path | None = None
    allow: tuple[Path, ...] = ()
    jobs_address: str | None = None
    python: str = "python"


def application(arguments: dict[str, Any]) -> serve.Application:
    """Ray Serve's application builder.

    Raises RequestError for unknown arguments, without a token (Serve's proxy decides who can reach it, so
    that loopback can not be promised), and for jobs that would run inside one replica.
    """
    try:
        given = ReplicaArguments.model_validate(arguments)
    except ValidationError as error:
        raise RequestError(f"replicas: {wire.told(error)}") from None
    options = options_of(given)

    def build() -> "FastAPI":
        """On the replica: its own engine, with caches of its own, over the shared store."""
        engine = make_engine(options)
        return make_app(options, engine, make_runner(options, engine.store.objects.url))

    deployment: Any = serve.deployment(
        serve.ingress(build)(),
        name=DEPLOYMENT,
        num_replicas=given.replicas,
        max_ongoing_requests=MAX_ONGOING_REQUESTS,
        health_check_period_s=HEALTH_SECONDS,
        ray_actor_options={"num_cpus": 1},
    )
    bound: serve.Application = deployment.bind()
    return bound


def options_of(given: ReplicaArguments) -> ServiceOptions:
    """The options of each replica. Raises RequestError as `application` does."""
    token = read_token(given.token_file)
    if token is None:
        raise RequestError(f"replicas are reached through Serve's proxy: set {TOKEN_VARIABLE} or token_file")
    if given.studies is not None and given.jobs_address is None:
        raise RequestError(
            "studies: jobs of a replica would end with it; give jobs_address, a cluster's http://HOST:8265"
        )
    return ServiceOptions(
        store=given.store,
        token=token,
        working=given.working,
        studies=given.studies,
        allowed=given.allow,
        jobs_address=given.jobs_address,
        python=given.python,
    )
