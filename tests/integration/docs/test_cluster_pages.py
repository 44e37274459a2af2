"""The page on clusters, on nodes that are processes of their own."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from ray.scripts.scripts import start as ray_start

import actstore
from tests.support.commands import environment, run
from tests.support.pages import Block, walk
from tests.support.ray_nodes import VARIABLES, Nodes, ray_nodes
from tests.support.served import TOKEN
from tests.support.studies import make_study

pytestmark = [pytest.mark.ray, pytest.mark.slow]


@pytest.fixture(scope="module")
def nodes() -> Iterator[Nodes]:
    """A head that computes nothing and two nodes of one CPU each, with the service's token."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in (environment() | {"ACTSTORE_TOKEN": TOKEN} | VARIABLES).items():
            patch.setenv(name, value)
        with ray_nodes(2, {}) as started:
            yield started


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
