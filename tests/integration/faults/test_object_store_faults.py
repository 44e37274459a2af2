"""An object store that fails, throttles, breaks off or is away: waited for, and no trace of it is left."""

import re
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from actstore.errors import StorageError
from actstore.store.bucket import BucketObjects, open_bucket
from actstore.store.clients import open_client
from actstore.store.patience import Patience
from actstore.store.reader import RunReader
from actstore.store.verify import verify_store
from tests.support.s3_proxy import Fault, Proxy, Rule, s3_proxy
from tests.support.s3_server import S3Server, environment, variables
from tests.support.small_store import SmallStore, prepare

KINDS = ("base", "tuned")


@pytest.fixture
def proxy(s3_running: S3Server) -> Iterator[Proxy]:
    with s3_proxy(s3_running.endpoint) as proxy, variables(environment(proxy.endpoint)):
        yield proxy


@pytest.fixture
def place(s3_running: S3Server) -> str:
    return s3_running.url(f"faults/{uuid.uuid4().hex}")


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """Content hashes of the runs, from a folder."""
    return contents(make_ready(tmp_path_factory.mktemp("undisturbed") / "store"))


def make_ready(place: Path | str) -> SmallStore:
    return prepare(place, n_examples=14, checkpoints=KINDS)


def contents(made: SmallStore) -> set[str]:
    reports = made.extract()
    assert all(not report.failures for report in reports), reports
    return {report.manifest.content_sha256 for report in reports if report.manifest is not None}


def every(nth: int, fault: Fault, *methods: str) -> Rule:
    """Every nth request of some methods (all, when none is named)."""
    seen = iter(range(10**9))

    def rule(method: str, path: str, number: int) -> Fault | None:
        return fault if method in (methods or (method,)) and next(seen) % nth == nth - 1 else None

    return rule


FAULTS: dict[str, Callable[[], Rule]] = {
    "errors of the server": lambda: every(5, Fault(status=500)),
    "throttled": lambda: every(3, Fault(status=503)),
    "throttled by another word": lambda: every(4, Fault(status=429)),
    "answers cut off": lambda: every(4, Fault(cut_after_bytes=10), "GET"),
    "answers lost": lambda: every(4, Fault(lose_answer=True), "PUT"),
    "answers that pause": lambda: every(9, Fault(pause_seconds=0.1)),
}


@pytest.mark.parametrize("name", FAULTS)
def test_the_store_is_the_same_after_faults(
    proxy: Proxy, place: str, undisturbed: set[str], name: str
) -> None:
    proxy.rule = FAULTS[name]()
    made = make_ready(place)
    assert contents(made) == undisturbed
    reader = RunReader(open_bucket(place), made.specs["base"].run_id)
    np.testing.assert_array_equal(reader.read("L01"), made.expected("base", 1))
    assert verify_store(open_bucket(place)) == []
    assert proxy.faults > 10


def test_away_in_mid_run_and_in_mid_read(proxy: Proxy, place: str, undisturbed: set[str]) -> None:
    made = make_ready(place)
    seen = len(proxy.requests)

    def rule(method: str, path: str, number: int) -> Fault | None:
        if number in (seen + 40, seen + 41):
            proxy.down_for(3.0)
            return Fault(lose_answer=True)
        return None

    proxy.rule = rule
    begun = time.monotonic()
    assert contents(made) == undisturbed
    assert time.monotonic() - begun > 2.5
    reader = RunReader(open_bucket(place), made.specs["tuned"].run_id)
    steps = reader.scan("L02", rows_per_step=16)
    first = next(steps)
    timer = proxy.down_for(2.0)
    values = np.concatenate([first[1], *(values for _, values in steps)])
    timer.join()
    np.testing.assert_array_equal(values, made.expected("tuned", 2))


def test_past_the_limit_it_is_told(proxy: Proxy, place: str, capfd: pytest.CaptureFixture[str]) -> None:
    objects = BucketObjects(place, open_client(place), Patience(1.5))
    objects.create("k", [b"1"])
    proxy.is_down = True
    begun = time.monotonic()
    for ask in (lambda: objects.read("k"), lambda: objects.create("l", [b"1"]), lambda: objects.children("")):
        with pytest.raises(StorageError, match=r"did not answer for \d+ s .*; what is stored stays: run the"):
            ask()
    assert time.monotonic() - begun < 15
    proxy.is_down = False
    proxy.rule = lambda *_: Fault(status=503)
    with pytest.raises(StorageError, match=r"503 Service Unavailable, SlowDown\); what is stored"):
        objects.read("k")
    proxy.rule = None
    assert objects.read("k") == b"1"


def test_what_no_waiting_mends_is_told_at_once(proxy: Proxy, place: str) -> None:
    objects = BucketObjects(place, open_client(place), Patience(60))
    proxy.rule = lambda *_: Fault(status=400)
    begun = time.monotonic()
    with pytest.raises(ValueError, match=r"the object store refuses this .400 Bad Request"):
        objects.read("k")
    assert time.monotonic() - begun < 5


def test_a_long_list_goes_on_where_it_broke(proxy: Proxy, place: str) -> None:
    objects = open_bucket(place)
    threads = [threading.Thread(target=make, args=(objects, range(n, 2_300, 8))) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    begun = len(proxy.requests)
    proxy.rule = every(2, Fault(status=500))
    assert len({info.key for info in objects.walk("many")}) == 2_300
    lists = [request for request in proxy.requests[begun:] if request.is_list and request.status == 200]
    assert len(lists) <= 5
    assert any(re.search("start-after|continuation", request.path) for request in lists)


def make(objects: BucketObjects, numbers: range) -> None:
    for number in numbers:
        objects.create(f"many/{number:05d}", [b"1"])


def failures(made: SmallStore) -> str:
    """What an extraction failed by."""
    try:
        return "; ".join(item.message for report in made.extract() for item in report.failures)
    except StorageError as error:
        return str(error)


def test_a_run_goes_on_after_the_limit(proxy: Proxy, place: str, undisturbed: set[str]) -> None:
    """The limit passed in mid-run: the run fails with what it has; the same command finishes it."""
    with variables({"ACTSTORE_WAIT_SECONDS": "1"}):
        made = make_ready(place)
        seen = len(proxy.requests)

        def rule(method: str, path: str, number: int) -> Fault | None:
            proxy.is_down = proxy.is_down or number == seen + 60
            return None

        proxy.rule = rule
        assert "did not answer" in failures(made)
        proxy.rule, proxy.is_down = None, False
        assert contents(made) == undisturbed
