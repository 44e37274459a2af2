"""Settings of all test processes and what they start: no network, no telemetry, no deadlines."""

import os
from collections.abc import Iterator

import hypothesis
import pytest

from tests.support.s3_server import S3Server, s3_server, variables

os.environ.update(
    {
        "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
        "RAY_USAGE_STATS_ENABLED": "0",
        "HF_HUB_OFFLINE": "1",
        "TRANSFORMERS_OFFLINE": "1",
        "TOKENIZERS_PARALLELISM": "false",
        "ACTSTORE_CACHE": "none",
    }
)
# an example that takes long on a machine with other work to do is no fault
hypothesis.settings.register_profile("unhurried", deadline=None)
hypothesis.settings.load_profile("unhurried")


@pytest.fixture(scope="session")
def s3_running() -> Iterator[S3Server]:
    """One S3 server for all tests; skips where there is none."""
    with s3_server() as server:
        yield server


@pytest.fixture
def s3(s3_running: S3Server) -> Iterator[S3Server]:
    """The S3 server, and the environment by which clients find it."""
    with variables(s3_running.environment):
        yield s3_running
