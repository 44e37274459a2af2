"""`actstore serve STORE`: the store over HTTP, with web pages, and over Arrow Flight, until it is stopped."""

import argparse
import importlib.util
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from actstore import __version__
from actstore.errors import AccessError, RequestError
from actstore.store.root import open_root
from jobs.console import Console
from jobs.options import add_store, positive

if TYPE_CHECKING:
    from actstore.serve.engine import Engine

EXTRA = ("fastapi", "uvicorn", "prometheus_client")
OPEN_ANSWERS = 256
WAIT_SECONDS = 30.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    add_store(parser)
    parser.add_argument(
        "--host", default="127.0.0.1", help="default: this machine only; another needs a token"
    )
    parser.add_argument("--port", metavar="N", type=int, default=8090, help="of HTTP (default: 8090; 0: any)")
    parser.add_argument(
        "--flight-port", metavar="N", type=int, default=8091, help="of Arrow Flight (default: 8091; 0: any)"
    )
    parser.add_argument("--token-file", metavar="FILE", type=Path, help="the token (else ACTSTORE_TOKEN)")
    parser.add_argument(
        "--working", metavar="N", type=positive, default=os.cpu_count() or 2,
        help="questions that are worked on at once (default: one per CPU)",
    )  # fmt: skip


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Serve until SIGINT or SIGTERM; returns 0."""
    missing = [name for name in EXTRA if importlib.util.find_spec(name) is None]
    if missing:
        raise RequestError(f"serve needs {', '.join(missing)}: pip install 'actstore[serve]'")
    from actstore.serve.auth import check_host, read_token
    from actstore.serve.engine import SERVICE_LIMITS, Engine
    from actstore.serve.flight import FlightDoor
    from actstore.serve.gate import Gate

    token = read_token(arguments.token_file)
    check_host(arguments.host, token)
    gate = Gate(working=arguments.working, open_answers=OPEN_ANSWERS, wait_seconds=WAIT_SECONDS)
    engine = Engine(open_root(arguments.store), SERVICE_LIMITS, gate)
    try:
        flight = FlightDoor(engine, arguments.host, arguments.flight_port, token)
    except OSError as error:
        raise AccessError(_taken("--flight-port", arguments.flight_port, error)) from None
    with flight:
        return _serve_http(arguments, console, engine, token, flight.port)


def _serve_http(
    arguments: argparse.Namespace, console: Console, engine: "Engine", token: str | None, flight_port: int
) -> int:
    import uvicorn

    from actstore.serve.http.app import create_app

    config = uvicorn.Config(
        create_app(engine, token, version=__version__),
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
    host, port = listener.getsockname()[:2]
    http, grpc = f"http://{host}:{port}", f"grpc://{host}:{flight_port}"
    console.remark(f"{http} (pages; what can be asked: {http}/docs), {grpc} (Arrow Flight); Ctrl-C ends it")
    console.remark("anyone on this machine may ask" if token is None else "whoever has the token may ask")
    console.answer({"http": http, "flight": grpc})
    uvicorn.Server(config).run(sockets=[listener])
    return 0


def _taken(option: str, port: int, error: BaseException) -> str:
    return f"{option} {port}: it can not be listened on ({error}); another may use it: give another, or 0"


if __name__ == "__main__":
    from jobs.cli import verb_main

    sys.exit(verb_main("serve"))
