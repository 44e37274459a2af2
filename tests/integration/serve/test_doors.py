"""The doors under what the world does to them: no token, large bodies, crowds, and clients that leave."""

import gc
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pyarrow as pa
import pytest
from pyarrow import flight

import actstore
from actstore.client import RemoteStore
from actstore.errors import AccessError, BusyError, RequestError, ServiceError
from actstore.query.limits import Limits
from actstore.serve.engine import Engine
from tests.support.served import TOKEN, engine, flight_address, http_address
from tests.support.small_store import SmallStore, prepare

Doors = dict[str, RemoteStore]
AUTHORIZED = {"authorization": f"Bearer {TOKEN}"}


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> SmallStore:
    """Two checkpoints of 256 units, so that an answer has many batches; only read."""
    folder: Path = tmp_path_factory.mktemp("doors") / "store"
    made = prepare(folder, n_examples=300, width=256, checkpoints=("base", "tuned"))
    made.extract()
    return made


@pytest.fixture
def served(small: SmallStore) -> Engine:
    return engine(small.objects, open_answers=4)


@pytest.fixture
def http(served: Engine) -> Iterator[str]:
    with http_address(served) as address:
        yield address


@pytest.fixture
def doors(served: Engine, http: str) -> Iterator[Doors]:
    with (
        flight_address(served) as grpc,
        actstore.open(grpc, token=TOKEN) as by_flight,
        actstore.open(http, token=TOKEN) as by_http,
    ):
        assert isinstance(by_flight, RemoteStore)
        assert isinstance(by_http, RemoteStore)
        yield {"flight": by_flight, "http": by_http}


def soon(true: Callable[[], bool], seconds: float = 10) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        gc.collect()
        if true():
            return True
        time.sleep(0.05)
    return False


def free_places(served: Engine) -> int:
    return served.gate._answers._value


@pytest.mark.parametrize("door", ["flight", "http"])
@pytest.mark.parametrize("token", [None, "another-token-of-some-length"])
def test_without_the_token_nothing_is_told(
    doors: Doors, door: str, token: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ACTSTORE_TOKEN", raising=False)
    with actstore.open(doors[door].connection.location, token=token) as stranger:
        for ask in (
            lambda: stranger.runs,
            lambda: stranger.sql("SELECT 1"),
            lambda: stranger.run("base", "x"),
        ):
            with pytest.raises(AccessError, match="token"):
                ask()


@pytest.mark.parametrize("path", ["/v1/runs", "/v1/query?checkpoint=base&corpus=small", "/v1/results/drift"])
def test_every_route_wants_the_token(http: str, path: str) -> None:
    refused = httpx.get(http + path)
    assert (refused.status_code, refused.json()["error"]) == (401, "AccessError")
    assert refused.headers["www-authenticate"].startswith("Basic")
    assert httpx.get(http + path, headers=AUTHORIZED).status_code == 200


def test_health_and_metrics_are_open_and_say_no_names(http: str) -> None:
    httpx.get(f"{http}/v1/query?checkpoint=base&corpus=small&where=false", headers=AUTHORIZED)
    assert httpx.get(f"{http}/health").json()["status"] == "ok"
    told = httpx.get(f"{http}/metrics").text
    assert 'actstore_questions_total{kind="query",outcome="answered"} 1.0' in told
    assert "small" not in told
    assert "base" not in told


def test_without_a_token_only_loopback_names_are_answered(served: Engine) -> None:
    with http_address(served, token=None) as address:
        assert httpx.get(f"{address}/v1/runs").status_code == 200
        assert httpx.get(f"{address}/v1/runs", headers={"host": "attacker.example"}).status_code == 400


@pytest.mark.parametrize("told_length", [True, False])
def test_bodies_are_bounded(http: str, told_length: bool) -> None:
    body = b'{"statement": "' + b"x" * (5 << 20) + b'"}'
    content = body if told_length else (body[at : at + 65536] for at in range(0, len(body), 65536))
    headers = {**AUTHORIZED, "content-type": "application/json"}
    answer = httpx.post(f"{http}/v1/sql", content=content, headers=headers)
    assert (answer.status_code, answer.json()["error"]) == (413, "RequestError")


def test_a_form_of_another_site_is_no_question(http: str) -> None:
    """A browser sends forms to any site with the user's password; only JSON is taken, which it does not."""
    answer = httpx.post(f"{http}/v1/sql", data={"statement": "SELECT 1"}, headers=AUTHORIZED)
    assert answer.status_code == 422


def test_json_is_cut_and_says_so(http: str) -> None:
    ask = f"{http}/v1/query?checkpoint=base&corpus=small&layer=1"
    headers = {**AUTHORIZED, "accept": "application/json"}
    long = httpx.get(ask, headers=headers).json()
    assert (len(long["rows"]), long["truncated"]) == (1000, True)
    short = httpx.get(f"{ask}&limit=1000", headers=headers).json()
    assert (len(short["rows"]), short["truncated"]) == (1000, False)


def test_the_default_form_of_a_query_is_arrow(http: str) -> None:
    answer = httpx.get(f"{http}/v1/query?checkpoint=base&corpus=small&layer=1&limit=3", headers=AUTHORIZED)
    assert answer.headers["content-type"] == "application/vnd.apache.arrow.stream"
    assert pa.ipc.open_stream(answer.content).read_all().num_rows == 3


def test_what_json_has_no_form_for(http: str) -> None:
    statement = "SELECT 'nan'::DOUBLE a, 1.5::DECIMAL(3, 1) b, DATE '2020-01-02' c, 'x'::BLOB d, [1, NULL] e"
    answer = httpx.post(f"{http}/v1/sql", json={"statement": statement}, headers=AUTHORIZED)
    assert answer.json()["rows"] == [{"a": None, "b": 1.5, "c": "2020-01-02", "d": "78", "e": [1, None]}]


def test_messages_do_not_say_where_the_store_lies(doors: Doors, small: SmallStore) -> None:
    for store in doors.values():
        with pytest.raises(RequestError) as raised:
            store.run("none", "small")
        assert small.objects.url not in str(raised.value)


@pytest.mark.parametrize("door", ["flight", "http"])
def test_a_client_that_leaves_gives_its_place_back(doors: Doors, served: Engine, door: str) -> None:
    for _ in range(12):  # more than there are places
        answer = doors[door].query(["base", "tuned"], "small")
        answer.read_next_batch()
        del answer
        assert soon(lambda: free_places(served) > 0)
    assert soon(lambda: free_places(served) == 4)


def test_a_broken_connection_gives_its_place_back(http: str, served: Engine) -> None:
    host, port = http.removeprefix("http://").split(":")
    ask = "GET /v1/query?checkpoint=base&checkpoint=tuned&corpus=small HTTP/1.1\r\nhost: localhost\r\n"
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(f"{ask}authorization: Bearer {TOKEN}\r\n\r\n".encode())
        connection.recv(100)
        assert soon(lambda: free_places(served) == 3)
    assert soon(lambda: free_places(served) == 4)


def test_asking_only_what_an_answer_looks_like_holds_nothing(doors: Doors, served: Engine) -> None:
    client = flight.connect(doors["flight"].connection.location)
    options = flight.FlightCallOptions(headers=[(b"authorization", f"Bearer {TOKEN}".encode())])
    with client:
        listed = list(client.list_flights(options=options))
        assert len(listed) == 2
        for item in listed:
            command = item.endpoints[0].ticket.ticket
            info = client.get_flight_info(flight.FlightDescriptor.for_command(command), options)
            assert info.schema.names[-1] == "activation"
    assert soon(lambda: free_places(served) == 4)


@pytest.mark.parametrize("door", ["flight", "http"])
def test_too_many_open_answers_are_told(doors: Doors, door: str) -> None:
    held = [doors["flight"].query(["base", "tuned"], "small") for _ in range(4)]
    with pytest.raises(BusyError, match="ask again"):
        doors[door].sql("SELECT 1")
    assert all(answer.read_all().num_rows for answer in held)
    assert doors[door].sql("SELECT 1 AS one").to_pylist() == [{"one": 1}]


def test_a_crowd_is_answered(small: SmallStore) -> None:
    """200 small questions at once, through both doors."""
    crowd = engine(small.objects, open_answers=256)
    crowd.gate.wait_seconds = 60
    with (
        flight_address(crowd) as grpc,
        http_address(crowd) as http,
        actstore.open(grpc, token=TOKEN) as by_flight,
        actstore.open(http, token=TOKEN) as by_http,
        ThreadPoolExecutor(200) as pool,
    ):
        stores = [by_flight, by_http] * 100
        rows = pool.map(lambda s: s.query("base", "small", [1], sample=10).read_all().num_rows, stores)
        assert list(rows) == [10] * 200


def test_limits_hold_behind_the_doors(small: SmallStore) -> None:
    strict = engine(small.objects, Limits(rows=50, seconds=0.3))
    slow = "SELECT count(*) FROM range(1000000) a, range(1000000) b WHERE a.range * b.range % 7 = 1"
    with flight_address(strict) as grpc, actstore.open(grpc, token=TOKEN) as store:
        with pytest.raises(RequestError, match="more than the 50 rows"):
            store.query("base", "small")
        run = store.run("base", "small")
        with pytest.raises(RequestError, match="more than the 50 rows"):
            run.rows(range(60), 1)
        with pytest.raises(RequestError, match=r"longer than 0\.3 seconds"):
            store.sql(slow)


def test_nobody_there_is_told() -> None:
    for address in ("grpc://127.0.0.1:9", "http://127.0.0.1:9"):
        with actstore.open(address) as store, pytest.raises(ServiceError, match="no service answers"):
            store.runs  # noqa: B018


@pytest.mark.parametrize("address", ["grpc://", "grpc://host", "http://", "http://h:port", "grpc://h:1?x=1"])
def test_addresses_that_are_none(address: str) -> None:
    with pytest.raises(RequestError, match="address is grpc://HOST:PORT"):
        actstore.open(address)
