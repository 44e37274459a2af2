"""Where Ray is: connect to a cluster, or start one on this machine. Imports Ray late, after its settings."""

import importlib.util
import logging
import os
import site
import socket
import traceback
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from actstore.cluster.folders import in_runtime_folder
from actstore.errors import ClusterError
from actstore.schema.ports import Resources

CONNECT_SECONDS = 5.0
OUR_PACKAGES = ("actstore", "analyses", "jobs")
ADVICE = "start one with `ray start --head`, give its host:port, or use 'local' for this machine alone"
HTTP2_HELLO = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0])
"""What a gRPC client says first, with an empty SETTINGS frame."""
SETTINGS_FRAME = 4
THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS")
LOOPBACK = {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0", "RAY_USAGE_STATS_ENABLED": "0"}
"""Ray names itself by 127.0.0.1 instead of the machine's outer address. Read when Ray is imported."""


def connect(address: str | None, n_workers: int | None) -> bool:
    """Connect this process to Ray; True where Ray was started here and is ours to stop.

    None: what RAY_ADDRESS names (as in a submitted job), else a Ray of our own. 'local': a Ray of our own.
    'auto' or 'host:port': a running cluster. A process that is connected already stays so.
    Raises ClusterError when nothing answers there.
    """
    address = address or os.environ.get("RAY_ADDRESS") or "local"
    if address == "local":
        os.environ.update(LOOPBACK)
    ray = _ray()
    if ray.is_initialized():
        return False
    if address == "local":
        _start_here(ray, n_workers)
        return True
    found = _find(address)
    _check_answers(found)
    _connect_to(ray, found)
    return False


def worker_environment(resources: Resources, extra: Mapping[str, str]) -> dict[str, str]:
    """Variables of a worker process: compute threads, and where our packages are when not installed."""
    found = dict.fromkeys(THREAD_VARIABLES, str(resources.threads)) | {"TOKENIZERS_PARALLELISM": "false"}
    # One heap for all threads of a worker: each would keep freed pages of its own.
    found["MALLOC_ARENA_MAX"] = "1"
    folder = checkout()
    if folder is not None:
        known = os.environ.get("PYTHONPATH", "").split(os.pathsep)
        paths = [str(folder), *(path for path in known if path and path != str(folder))]
        found["PYTHONPATH"] = os.pathsep.join(paths)
    return found | dict(extra)


def _ray() -> ModuleType:
    import ray

    # Its remark that token authentication is on belongs into docs, not on top of each run.
    logging.getLogger("ray._private.authentication").setLevel(logging.ERROR)
    return ray


def _start_here(ray: ModuleType, n_workers: int | None) -> None:
    # More workers than CPUs are the user's wish; Ray would let them wait for ever.
    n_cpus = None if n_workers is None else max(n_workers, os.cpu_count() or 1)
    ray.init(
        address="local",
        num_cpus=n_cpus,
        include_dashboard=False,
        log_to_driver=False,
        logging_level=logging.ERROR,
    )


def _connect_to(ray: ModuleType, address: str) -> None:
    options: dict[str, Any] = {"address": address, "log_to_driver": False, "logging_level": logging.ERROR}
    folder = checkout()
    if folder is not None:
        # Nodes without this folder get the code from the cluster.
        packages = [str(folder / name) for name in OUR_PACKAGES if (folder / name).is_dir()]
        options["runtime_env"] = {"py_modules": packages, "excludes": ["__pycache__"]}
    try:
        ray.init(**options)
    except (ConnectionError, ValueError, RuntimeError, SystemExit) as error:
        # SystemExit: Ray leaves the process when the head does not answer it.
        raise ClusterError(refusal(address, error)) from error


def refusal(address: str, error: BaseException) -> str:
    """Why Ray did not let us in, and what to do. A refused token is only told in the cause."""
    if "AuthToken" in "".join(traceback.format_exception(error)):
        return (
            f"the Ray cluster at {address} asks for a token: set RAY_AUTH_MODE=token, and RAY_AUTH_TOKEN or "
            "RAY_AUTH_TOKEN_PATH to the cluster's token, then try again"
        )
    return f"no Ray cluster at {address}: {error}; {ADVICE}"


def checkout() -> Path | None:
    """The folder our packages are imported from, None where every process finds them by itself."""
    folder = Path(__file__).resolve().parents[2]
    installed = [Path(path).resolve() for path in (*site.getsitepackages(), site.getusersitepackages())]
    return None if folder in installed or in_runtime_folder(folder) else folder


def _find(address: str) -> str:
    if address.startswith("ray://"):
        if importlib.util.find_spec("grpc") is None:
            raise ClusterError(
                f"{address}: Ray's client is not installed; give the head's host:port, submit the study as a "
                "job, or `pip install 'ray[client]'`"
            )
        return address
    if address != "auto":
        return address
    from ray._private.services import get_ray_address_from_environment

    try:
        return str(get_ray_address_from_environment("auto", None))
    except ConnectionError as error:
        raise ClusterError(f"'auto': no Ray runs on this machine; {ADVICE}") from error


def _check_answers(address: str) -> None:
    """Ray itself waits for two minutes and then leaves the process."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not host or not port.isdigit():
        raise ClusterError(
            f"{address!r} is no Ray address: allowed are host:port, ray://host:port, auto, local"
        )
    try:
        with socket.create_connection((host.strip("[]"), int(port)), timeout=CONNECT_SECONDS) as connection:
            if os.environ.get("RAY_USE_TLS", "0") == "1":
                return
            connection.sendall(HTTP2_HELLO)
            answer = connection.recv(9)
    except OSError as error:
        raise ClusterError(f"nothing answers at {address}: {error}; {ADVICE}") from error
    if len(answer) < 4 or answer[3] != SETTINGS_FRAME:
        raise ClusterError(
            f"what answers at {address} is no Ray head (its port is 6379 unless set; 8265 is the "
            f"dashboard's); {ADVICE}"
        )
