"""ModelClock: the model waits for the disk only where it stands free while a shard is written."""

import threading
import time

from actstore.extract.clock import ModelClock

STEP_SECONDS = 0.05


def test_a_shard_after_the_other_waits_for_each_write() -> None:
    clock = ModelClock()
    with clock.hold() as waited:
        assert waited == 0.0
    time.sleep(STEP_SECONDS)
    clock.written()
    time.sleep(STEP_SECONDS)  # reading the next one is not the disk's write
    with clock.hold() as waited:
        assert STEP_SECONDS <= waited < 2 * STEP_SECONDS


def test_writing_beside_the_model_costs_no_wait() -> None:
    clock, computing = ModelClock(), threading.Event()
    with clock.hold():
        pass

    def write() -> None:
        computing.wait()
        time.sleep(STEP_SECONDS)
        clock.written()

    writer = threading.Thread(target=write)
    writer.start()
    with clock.hold() as waited:
        computing.set()
        writer.join()
        assert waited == 0.0
    with clock.hold() as waited:
        assert waited == 0.0
