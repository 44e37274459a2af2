"""What a terminal shows while a command works, and that a pipe is told results and remarks only."""

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios

import pytest

from tests.support.commands import ALONE, environment, run
from tests.support.studies import SmallStudy

ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def on_terminal(columns: int, *words: object) -> tuple[int, list[str]]:
    """Exit code and every frame that a command paints on a terminal of this width."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    process = subprocess.Popen(
        [sys.executable, "-m", "jobs.cli", *map(str, words)],
        stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True,
        env=environment(TERM="xterm-256color"),
    )  # fmt: skip
    os.close(theirs)
    said = b""
    try:
        while part := os.read(ours, 65536):
            said += part
    except OSError:  # the other side is closed
        pass
    os.close(ours)
    text = ESCAPE.sub("", said.decode())
    return process.wait(), [frame.rstrip() for frame in re.split(r"[\r\n]+", text)]


@pytest.mark.parametrize("columns", [80, 200])
def test_progress_with_tokens_per_second(study: SmallStudy, columns: int) -> None:
    code, frames = on_terminal(columns, "run", study.write(), *ALONE)
    assert code == 0
    bars = [frame for frame in frames if frame.startswith("extracting shards")]
    assert all(len(bar) <= columns for bar in bars)
    assert any(re.search(r"\d/6 .* [\d,]+ tokens/s, [\d.]+ MB", bar) for bar in bars)
    assert any("similarity alike: rsa" in frame for frame in frames)


def test_a_pipe_sees_no_progress(study: SmallStudy) -> None:
    answer = run("run", study.write(), *ALONE)
    assert answer.code == 0
    for text in (answer.out, answer.err):
        assert "\x1b" not in text
        assert "\r" not in text
        assert "extracting shards" not in text
    assert re.search(r"[\d,]+ tokens in \d+ s", answer.err)


def test_tables_fit_the_terminal(study: SmallStudy) -> None:
    assert run("extract", study.write(), *ALONE).code == 0
    for words in (("ls", study.store), ("plan", study.file)):
        code, frames = on_terminal(80, *words)
        table = frames[: frames.index("")] if "" in frames else frames
        rows = [
            frame for frame in table if frame.split()[:1] in (["base"], ["tuned"]) and "over" not in frame
        ]
        assert code == 0
        assert len(rows) >= 6
        assert max(map(len, rows)) <= 80
