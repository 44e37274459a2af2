"""Follow: the log of a job on a cluster, told as it comes, until the job ends or the user interrupts."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from typing import Protocol

CANCEL_AGAIN_SECONDS = 0.1


class LogClient(Protocol):
    """What follows a job: Ray's client of jobs."""

    def tail_job_logs(self, job_id: str) -> AsyncIterator[str]:
        """Pieces of the log as they come, to the end of the job."""
        ...


def tell_logs(client: LogClient, name: str) -> None:
    """Write a job's log to standard error to its end. Raises KeyboardInterrupt at the user's first signal.

    A connection in the making can lose the cancellation that an interrupt is to asyncio: the signal is heard
    here, and the connection is cancelled until it ends.
    """
    asyncio.run(_tell_or_stop(client, name))


async def _tell_or_stop(client: LogClient, name: str) -> None:
    interrupted = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGINT, interrupted.set)
    try:
        telling = asyncio.create_task(_tell(client, name))
        waiting = asyncio.create_task(interrupted.wait())
        await asyncio.wait({telling, waiting}, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        if not telling.done():
            await _end(telling)
            raise KeyboardInterrupt
        await telling
    finally:
        loop.remove_signal_handler(signal.SIGINT)


async def _tell(client: LogClient, name: str) -> None:
    async for text in client.tail_job_logs(name):
        sys.stderr.write(text)
        sys.stderr.flush()


async def _end(task: "asyncio.Task[None]") -> None:
    while not task.done():
        task.cancel()
        await asyncio.wait({task}, timeout=CANCEL_AGAIN_SECONDS)
