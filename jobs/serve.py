"""`actstore serve STORE`: the store over HTTP, with web pages, and over Arrow Flight, until it is stopped."""

import argparse
import importlib.util
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from actstore.errors import AccessError, RequestError
from jobs.console import Console
from jobs.options import add_store, positive

if TYPE_CHECKING:
    from fastapi import FastAPI

    from jobs.serving import ServiceOptions

EXTRA = ("fastapi", "jinja2", "prometheus_client", "uvicorn")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    add_store(parser)
    parser.add_argument("--host", default="127.0.0.1", help="default: this machine only; else give a token")
    parser.add_argument("--port", metavar="N", type=int, default=8090, help="of HTTP (default: 8090; 0: any)")
    parser.add_argument(
        "--flight-port", metavar="N", type=int, default=8091, help="of Arrow Flight (default: 8091; 0: any)"
    )
    parser.add_argument("--token-file", metavar="FILE", type=Path, help="the token (else ACTSTORE_TOKEN)")
    parser.add_argument(
        "--working", metavar="N", type=positive, default=os.cpu_count() or 2,
        help="questions that are worked on at once (default: one per CPU)",
    )  # fmt: skip
    jobs = parser.add_argument_group("jobs")
    jobs.add_argument(
        "--studies", metavar="DIR", type=Path, help="studies that may be run through the service"
    )
    jobs.add_argument(
        "--allow", metavar="DIR", type=Path, action="append", default=[],
        help="a further folder where those studies' texts and models may lie; repeat it",
    )  # fmt: skip
    jobs.add_argument(
        "--jobs-address", metavar="ADDR",
        help="the cluster that runs them, such as http://head:8265 (default: this machine, one at a time)",
    )  # fmt: skip
    jobs.add_argument("--python", metavar="PATH", default="python", help="the cluster's interpreter")


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Serve until SIGINT or SIGTERM; returns 0."""
    missing = [name for name in EXTRA if importlib.util.find_spec(name) is None]
    if missing:
        raise RequestError(f"serve needs {', '.join(missing)}: pip install 'actstore[serve]'")
    from actstore.serve.flight import FlightDoor
    from jobs.serving import make_app, make_engine, make_runner

    options = options_of(arguments)
    engine = make_engine(options)
    runner = make_runner(options, engine.store.objects.url)
    try:
        flight = FlightDoor(engine, arguments.host, arguments.flight_port, options.token)
    except OSError as error:
        raise AccessError(_taken("--flight-port", arguments.flight_port, error)) from None
    try:
        with flight:
            return _serve_http(arguments, console, make_app(options, engine, runner), flight.port)
    finally:
        if runner is not None:
            runner.close()


def options_of(arguments: argparse.Namespace) -> "ServiceOptions":
    """The options, checked. Raises RequestError for an address that needs a token."""
    from actstore.serve.auth import check_host, read_token
    from jobs.serving import ServiceOptions

    token = read_token(arguments.token_file)
    check_host(arguments.host, token)
    return ServiceOptions(
        store=arguments.store,
        token=token,
        working=arguments.working,
        studies=arguments.studies,
        allowed=tuple(arguments.allow),
        jobs_address=arguments.jobs_address,
        python=arguments.python,
    )


def _serve_http(arguments: argparse.Namespace, console: Console, app: "FastAPI", flight_port: int) -> int:
    import uvicorn

    from jobs.http_server import HttpServer

    config = uvicorn.Config(
        app,
        host=arguments.host,
        port=arguments.port,
        log_level="warning",
        access_log=False,  # a question's text is its asker's business
        timeout_graceful_shutdown=5,
    )
    try:
        listener = config.bind_socket()
    except SystemExit as error:
        raise AccessError(_taken("--port", arguments.port, error)) from None
    listener.listen(config.backlog)  # who reads the line below may connect at once
    host, port = listener.getsockname()[:2]
    http, grpc = f"http://{host}:{port}", f"grpc://{host}:{flight_port}"
    console.remark(f"{http} (pages; what can be asked: {http}/docs), {grpc} (Arrow Flight); Ctrl-C ends it")
    console.answer({"http": http, "flight": grpc})
    HttpServer(config).run(sockets=[listener])
    return 0


def _taken(option: str, port: int, error: BaseException) -> str:
    return f"{option} {port}: it can not be listened on ({error}); another may use it: give another, or 0"


if __name__ == "__main__":
    from jobs.cli import verb_main

    sys.exit(verb_main("serve"))
