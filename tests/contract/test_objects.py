"""What every place of objects does alike: a folder, and a bucket of a real S3 server."""

import os
import pickle
import threading
import uuid
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from actstore.errors import AccessError, RequestError
from actstore.store.bucket import BucketObjects
from actstore.store.clients import open_client
from actstore.store.objects import Objects
from actstore.store.patience import Patience
from actstore.store.places import open_objects
from tests.support.s3_server import S3Server, variables

MIB = 1 << 20
SMALL_PUT_BYTES = 6 * MIB
Opener = Callable[[], Objects]


@pytest.fixture(params=["folder", "s3", "s3 in parts"])
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Opener:
    """Opens the same place again and again, as other processes would."""
    if request.param == "folder":
        return lambda: open_objects(str(tmp_path / "place"))
    server: S3Server = request.getfixturevalue("s3")
    url = server.url(f"objects/{uuid.uuid4().hex}")
    if request.param == "s3":
        return lambda: open_objects(url)
    return lambda: BucketObjects(url, open_client(url), Patience(5), one_put_bytes=SMALL_PUT_BYTES)


@pytest.fixture
def objects(opened: Opener) -> Objects:
    return opened()


def test_created_once_and_never_replaced(objects: Objects) -> None:
    assert objects.size("a/b.json") is None
    assert objects.create("a/b.json", [b"first", memoryview(b"-"), np.arange(3, dtype=np.uint8).data])
    assert not objects.create("a/b.json", [b"second"])
    assert objects.read("a/b.json") == b"first-\x00\x01\x02"
    assert objects.size("a/b.json") == 9
    assert type(objects.read("a/b.json")) is bytes


@pytest.mark.parametrize("n_bytes", [0, 1, SMALL_PUT_BYTES, SMALL_PUT_BYTES + 1])
def test_any_size(objects: Objects, n_bytes: int) -> None:
    data = np.random.default_rng(n_bytes).bytes(n_bytes)
    assert objects.create("data", [data[: n_bytes // 3], data[n_bytes // 3 :]])
    assert objects.read("data") == data
    assert not objects.create("data", [data])
    staged = objects.staging()
    staged.write_bytes(data)
    assert objects.create_from_file("file", staged)
    assert not staged.exists()
    assert (objects.size("file"), objects.read("file")) == (n_bytes, data)
    staged.write_bytes(b"another" + data)
    assert not objects.create_from_file("file", staged)
    assert not staged.exists()
    assert objects.size("file") == n_bytes
    assert {info.key for info in objects.walk("")} == {"data", "file"}  # nothing staged is left


def test_of_many_writers_one_wins(opened: Opener) -> None:
    data = {name: bytes([name]) * (SMALL_PUT_BYTES + 1) for name in range(4)}
    made: dict[int, bool] = {}

    def write(name: int) -> None:
        made[name] = opened().create("one", [data[name]])

    threads = [threading.Thread(target=write, args=(name,)) for name in data]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    winners = {name for name, created in made.items() if created}
    there = opened().read("one")
    assert there in [data[name] for name in winners]
    # SeaweedFS looks and finishes an upload in two steps, so it may tell two writers that they were first.
    assert len(winners) == 1 or getattr(opened(), "_one_put_bytes", 0) == SMALL_PUT_BYTES


def test_ranges(objects: Objects) -> None:
    data = bytes(range(200))
    objects.create("r", [data])
    assert objects.read_range("r", 10, 20) == data[10:30]
    assert objects.read_range("r", 190, 20) == data[190:]
    assert objects.read_range("r", 200, 20) == b""
    assert objects.read_range("r", 300, 20) == b""
    assert objects.read_range("r", 5, 0) == b""
    first, second = bytearray(7), bytearray(5)
    assert objects.read_into("r", 3, [memoryview(first), memoryview(second)]) == 12
    assert first + second == data[3:15]
    assert objects.read_into("r", 195, [memoryview(first), memoryview(second)]) == 5
    assert first[:5] == data[195:]


@pytest.mark.parametrize(
    "ask",
    [
        lambda objects: objects.read("none"),
        lambda objects: objects.read_range("none", 0, 3),
        lambda objects: objects.read_into("none", 0, [memoryview(bytearray(3))]),
    ],
)
def test_what_is_not_there(objects: Objects, ask: Callable[[Objects], object]) -> None:
    objects.create("some", [b"1"])
    with pytest.raises(FileNotFoundError):
        ask(objects)
    objects.delete("none")
    assert objects.size("none") is None
    assert objects.children("none") == []
    assert list(objects.walk("none")) == []


def named(objects: Objects) -> list[str]:
    return [name for name in objects.children("") if not name.startswith(".")]


def test_names_below_a_prefix(objects: Objects) -> None:
    for key in ("x/b", "x/a", "x/c/d", "x/c/e/f", "xy/g", "h i+j#1.json", "ü"):
        assert objects.create(key, [key.encode()])
    assert objects.children("x") == ["a", "b", "c"]
    assert named(objects) == sorted(["h i+j#1.json", "x", "xy", "ü"])
    assert {info.key: info.bytes for info in objects.walk("x")} == {
        "x/a": 3, "x/b": 3, "x/c/d": 5, "x/c/e/f": 7,
    }  # fmt: skip
    assert objects.read("h i+j#1.json") == b"h i+j#1.json"
    assert objects.size("x") is None or objects.local_path("x") is not None
    objects.delete("x/c/d")
    objects.delete("x/c/e/f")
    assert {info.key for info in objects.walk("x")} == {"x/a", "x/b"}
    assert set(objects.children("x")) - {"c"} == {"a", "b"}  # SeaweedFS shows an emptied prefix for a while


def test_many_names_and_their_age(objects: Objects, opened: Opener) -> None:
    count = 2_100 if objects.local_path("") is None else 50
    for number in range(count):
        objects.create(f"many/{number:05d}", [b""])
    assert len(objects.children("many")) == count
    infos = list(opened().walk("many"))
    assert sorted(info.key for info in infos) == [f"many/{number:05d}" for number in range(count)]
    assert max(info.modified_seconds for info in infos) - min(info.modified_seconds for info in infos) < 600


def test_what_lies_there_outlives_who_made_it(opened: Opener) -> None:
    opened().create("k", [b"1"])
    assert opened().read("k") == b"1"
    assert opened().url == pickle.loads(pickle.dumps(opened().url))


def test_other_credentials_are_refused(s3: S3Server) -> None:
    with variables({"AWS_ACCESS_KEY_ID": "stranger", "AWS_SECRET_ACCESS_KEY": "x"}):
        objects = open_objects(s3.url("objects"))
    for ask in (lambda: objects.read("k"), lambda: objects.create("k", [b"1"]), lambda: objects.children("")):
        with pytest.raises(AccessError, match=r"refuses these credentials .*403.*; set those"):
            ask()


@pytest.mark.parametrize("url", ["s3://", "s3:///prefix", "s3://bucket/a?b=c", "s4://bucket", "", "az://"])
def test_urls_that_name_no_place(url: str) -> None:
    with pytest.raises(RequestError, match=r"give|look after"):
        open_objects(url)


def test_limits_that_are_none(s3: S3Server) -> None:
    for text in ("soon", "-1", "nan", "inf"):
        with variables({"ACTSTORE_WAIT_SECONDS": text}), pytest.raises(RequestError, match="give seconds"):
            open_objects(s3.url("x"))
    assert "ACTSTORE_WAIT_SECONDS" not in os.environ
