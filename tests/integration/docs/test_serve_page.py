"""The page on serving: its commands and Python work as they stand; its Python over both doors."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import pytest

from tests.support.commands import start
from tests.support.pages import Block, blocks, walk
from tests.support.served import engine, http_address
from tests.support.small_store import SmallStore, prepare

FLIGHT = "grpc://127.0.0.1:8091"


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SmallStore:
    monkeypatch.chdir(tmp_path)
    store = prepare(tmp_path / "runs" / "my", corpus="notes", checkpoints=("base", "tuned"))
    store.extract()
    return store


@contextmanager
def service(*words: str) -> Iterator[list[str]]:
    """`actstore serve` on free ports: its addresses, HTTP and Flight."""
    process = start("serve", *words, "--port", 0, "--flight-port", 0)
    assert process.stderr is not None
    said = ""
    try:
        while "Ctrl-C" not in said:
            line = process.stderr.readline()
            assert line, said
            said += line
        yield re.findall(r"(?:http|grpc)://[\d.]+:\d+(?=[ ,])", said)
    finally:
        os.killpg(process.pid, signal.SIGINT)
        process.communicate(timeout=60)
    assert process.returncode == 0


@pytest.mark.slow
def test_the_page(made: SmallStore) -> None:
    names: dict[str, object] = {}
    addresses: list[str] = []

    def run(block: Block) -> None:
        if block.language == "python":
            exec(block.text.replace(FLIGHT, addresses[1]), names)
            return
        assert block.language == "sh"
        for line, words in zip(block.text.splitlines(), block.commands, strict=True):
            if words[0] == "python":
                subprocess.run(["bash", "-c", line.replace("python", sys.executable, 1)], check=True)
                continue
            assert words[:2] == ["actstore", "serve"]
            addresses[:] = services.enter_context(service(*words[2:]))
            asked = httpx.get(f"{addresses[0]}/v1/runs").status_code
            assert asked == (401 if "--token-file" in words else 200)

    with ExitStack() as services:
        walk("docs/howto/serve.md", run)
        names["store"].close()  # type: ignore[attr-defined]
    assert names["frame"].shape == names["polars_frame"].shape == (200, 8)  # type: ignore[attr-defined]


def test_the_python_of_the_page_over_http(made: SmallStore) -> None:
    names: dict[str, object] = {}
    with http_address(engine(made.objects), token=None) as address:
        for block in blocks("docs/howto/serve.md"):
            if block.language == "python":
                exec(block.text.replace(FLIGHT, address), names)
        assert tuple(names["tensor"].shape) == (200, 8)  # type: ignore[attr-defined]
        assert names["first"].shape == (5, 8)  # type: ignore[attr-defined]
        names["store"].close()  # type: ignore[attr-defined]
