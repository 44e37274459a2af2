"""The pages on clusters and serving, on nodes that are processes of their own; one is killed under load."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event

import httpx
import numpy as np
import numpy.typing as npt
import pytest
from ray.scripts.scripts import start as ray_start

import actstore
from actstore.errors import ServiceError
from tests.support.commands import WAIT_SECONDS, environment, run
from tests.support.pages import Block, apart, walk
from tests.support.ray_nodes import HOST, VARIABLES, Nodes, ray_nodes
from tests.support.ray_serve import free_ports
from tests.support.served import TOKEN
from tests.support.small_store import SmallStore, prepare
from tests.support.studies import make_study

pytestmark = [pytest.mark.ray, pytest.mark.slow]
SERVE = str(Path(sys.executable).parent / "serve")
ASKERS, LAYER = 4, 2


@pytest.fixture(scope="module")
def nodes() -> Iterator[Nodes]:
    """A head that computes nothing and two nodes of one CPU each, with the service's token."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in (environment() | {"ACTSTORE_TOKEN": TOKEN} | VARIABLES).items():
            patch.setenv(name, value)
        with ray_nodes(2, {}) as started:
            yield started


@pytest.fixture
def http(nodes: Nodes) -> str:
    """Where Serve answers: one door at the head, as all nodes are on this machine."""
    (port,) = free_ports(1)
    words = [
        "start",
        "--address",
        nodes.head.address,
        "--http-port",
        str(port),
        "--proxy-location",
        "HeadOnly",
    ]
    subprocess.run([SERVE, *words], check=True, capture_output=True)
    return f"http://127.0.0.1:{port}"


@pytest.fixture
def small(tmp_path: Path) -> SmallStore:
    made = prepare(tmp_path / "store", corpus="notes")
    made.extract()
    return made


def until(is_so: Callable[[], bool], told: str) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while not is_so():
        assert time.monotonic() < deadline, told
        time.sleep(0.2)


def answers(http: str) -> bool:
    """Whether the service asks for its token, and answers who has it."""
    try:
        codes = [
            httpx.get(f"{http}/v1/runs", headers=headers, timeout=WAIT_SECONDS).status_code
            for headers in ({}, {"Authorization": f"Bearer {TOKEN}"})
        ]
    except httpx.TransportError:
        return False
    return codes == [401, 200]


def test_the_page_on_clusters(nodes: Nodes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    study = make_study(tmp_path).only(["base"], ["text"])
    file = study.checkpoint("base", model=tmp_path / "models" / "base").write()
    file.write_text(file.read_text().replace('"store"', f'"{study.store}"'))
    monkeypatch.chdir(tmp_path)
    ran = []

    def run_block(block: Block) -> None:
        assert block.language == "sh"
        for program, verb, *words in block.commands:
            ran.append(verb)
            if program == "ray":  # as the nodes here are started, each with ports of its own
                assert verb == "start"
                ray_start.make_context("start", words)
                continue
            here = {"HEAD:6379": nodes.head.address, "http://HEAD:8265": nodes.head.dashboard}
            here["/opt/venv/bin/python"] = sys.executable
            answer = run(verb, *(here.get(word, word) for word in words))
            assert answer.code == 0, answer.err

    walk("docs/howto/cluster.md", run_block)
    assert ran == ["start", "start", "run", "submit"]
    assert actstore.open(tmp_path / "store").runs["complete"].to_pylist() == [True]


@pytest.mark.nodes
def test_a_node_is_killed_under_load(nodes: Nodes, http: str, small: SmallStore) -> None:
    """The page's two replicas, each on a node of its own, of which one is gone at once while clients ask."""
    export, command = apart("docs/howto/serve.md", "export ACTSTORE_TOKEN").commands
    assert export[1].startswith("ACTSTORE_TOKEN="), "it is set on every node here"
    assert command[:2] == ["serve", "run"]
    words = [word.replace("s3://bucket/activations", small.objects.url) for word in command[1:]]
    process = subprocess.Popen([SERVE, *words], env={**os.environ, "RAY_ADDRESS": nodes.head.address})
    try:
        until(lambda: len(set(replicas(nodes))) == 2 and answers(http), "no replicas on two nodes")
        with asked(http, small.expected("base", LAYER)) as told:
            until(lambda: told.answered > ASKERS, "nothing was answered")
            nodes.kill(0)
            until(lambda: replicas(nodes) == [HOST(4)], "its replica was not given up")
            before = told.answered
            until(lambda: told.answered > before + 10 * ASKERS, "the other replica does not answer")
            nodes.add()
            until(lambda: sorted(replicas(nodes)) == [HOST(4), HOST(5)], "no replica on the new node")
        # What the killed one was working on is told as broken, never given in part.
        assert told.failed <= 2 * ASKERS
    finally:
        # Not asked to end: with a node gone `serve run` may wait for Ray for minutes. The cluster goes too.
        process.kill()
        process.wait()


@dataclass
class Told:
    """What clients got."""

    answered: int = 0
    failed: int = 0


@contextmanager
def asked(http: str, expected_TD: npt.NDArray[np.float32]) -> Iterator[Told]:
    """Clients that ask without a pause for one layer of `base`; each answer is compared."""
    stop, told = Event(), Told()

    def ask_on(_: int) -> None:
        with actstore.open(http, token=TOKEN) as store:
            while not stop.is_set():
                try:
                    answer = store.query("base", "notes", [LAYER]).read_all()
                except ServiceError:
                    told.failed += 1
                    continue
                values_TD = answer["activation"].combine_chunks().flatten().to_numpy()
                np.testing.assert_array_equal(values_TD.reshape(expected_TD.shape), expected_TD)
                told.answered += 1

    with ThreadPoolExecutor(ASKERS) as pool:
        askers = pool.map(ask_on, range(ASKERS))
        try:
            yield told
        finally:
            stop.set()
        list(askers)


def replicas(nodes: Nodes) -> list[str]:
    """The addresses of the nodes on which replicas run, as the cluster tells them."""
    told = httpx.get(
        f"{nodes.head.dashboard}/api/serve/applications/",
        headers={"Authorization": f"Bearer {VARIABLES['RAY_AUTH_TOKEN']}"},
        timeout=WAIT_SECONDS,
    ).json()
    return [
        replica["node_ip"]
        for application in told["applications"].values()
        for deployment in application["deployments"].values()
        for replica in deployment["replicas"]
        if replica["state"] == "RUNNING"
    ]
