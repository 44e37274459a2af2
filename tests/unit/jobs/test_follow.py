"""Following a job's log: told to its end, and left at the first interrupt whatever the connection does."""

import asyncio
import os
import signal
import threading
from collections.abc import AsyncIterator

import pytest

from jobs.follow import tell_logs


class Endless:
    """A log that never ends; a connection that loses the first cancellations, as one in the making can."""

    def __init__(self, n_lost: int) -> None:
        self.n_lost = n_lost
        self.ended = False

    async def tail_job_logs(self, job_id: str) -> AsyncIterator[str]:
        yield f"log of {job_id}\n"
        while True:
            try:
                await asyncio.sleep(10)
            except asyncio.CancelledError:
                self.n_lost -= 1
                if self.n_lost < 0:
                    self.ended = True
                    raise


class Short:
    """A log of two pieces."""

    async def tail_job_logs(self, job_id: str) -> AsyncIterator[str]:
        yield "one\n"
        await asyncio.sleep(0)
        yield "two\n"


class Lost:
    """A job that is not there."""

    async def tail_job_logs(self, job_id: str) -> AsyncIterator[str]:
        if job_id:
            raise RuntimeError(f"no job {job_id}")
        yield ""


def test_a_log_is_told_to_its_end(capsys: pytest.CaptureFixture[str]) -> None:
    tell_logs(Short(), "j")
    assert capsys.readouterr().err == "one\ntwo\n"


@pytest.mark.parametrize("n_lost", [0, 1, 3])
def test_the_first_interrupt_ends_it(n_lost: int, capsys: pytest.CaptureFixture[str]) -> None:
    before = signal.getsignal(signal.SIGINT)
    client = Endless(n_lost)
    timer = threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        tell_logs(client, "j")
    timer.join()
    assert client.ended
    assert capsys.readouterr().err == "log of j\n"
    assert signal.getsignal(signal.SIGINT) is before


def test_a_failure_is_not_swallowed() -> None:
    with pytest.raises(RuntimeError, match="no job j"):
        tell_logs(Lost(), "j")
