"""What an open store answers, wherever it lies: every kind of store gives the same answers and errors."""

import pickle
import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

import actstore
from actstore import Run, Store
from actstore.client import FlightSource, RemoteStore
from actstore.errors import (
    ActstoreError,
    AmbiguousRunError,
    IncompleteRunError,
    NotFoundError,
    RequestError,
)
from actstore.schema.ports import ActivationSource
from actstore.store.source import StoreSource
from tests.support.pieces import with_pieces
from tests.support.s3_server import S3Server, variables
from tests.support.served import TOKEN, engine, flight_address, http_address
from tests.support.small_store import SmallStore, prepare

AnyStore = Store | RemoteStore


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> SmallStore:
    """Two checkpoints, words of several tokens, float16; only read."""
    return made_in(str(tmp_path_factory.mktemp("stores") / "store"))


def made_in(place: str) -> SmallStore:
    made = with_pieces(prepare(place, n_examples=40, checkpoints=("base", "tuned"), dtype="float16"))
    made.extract()
    return made


@pytest.fixture(scope="module")
def local(small: SmallStore) -> Store:
    return Store(small.objects)


@pytest.fixture(scope="module", params=["folder", "s3", "flight", "http"])
def store(request: pytest.FixtureRequest, small: SmallStore) -> Iterator[AnyStore]:
    if request.param == "s3":
        server: S3Server = request.getfixturevalue("s3_running")
        with variables(server.environment):
            yield Store(made_in(server.url(f"stores/{uuid.uuid4().hex}")).objects)
        return
    if request.param == "folder":
        yield actstore.open(small.objects.url.removeprefix("file://"))
        return
    door = flight_address if request.param == "flight" else http_address
    with door(engine(small.objects)) as address, actstore.open(address, token=TOKEN) as opened:
        yield opened


def run(store: AnyStore) -> Run:
    return store.run("tuned", "small")


def test_the_catalog(store: AnyStore, local: Store) -> None:
    assert store.checkpoints.equals(local.checkpoints)
    assert store.corpora.equals(local.corpora)
    assert store.runs.equals(local.runs)


def test_a_run_is_read(store: AnyStore, local: Store) -> None:
    given, wanted = run(store).read(layer=1, examples=slice(3, 9)), run(local).read(1, slice(3, 9))
    assert given.values.dtype == np.float16
    np.testing.assert_array_equal(given.values, wanted.values)
    np.testing.assert_array_equal(given.offsets, wanted.offsets)
    np.testing.assert_array_equal(given.example_N, wanted.example_N)
    out = np.empty_like(given.values)
    assert (
        run(store).read(layer=1, examples=slice(3, 9), out=out).values is out or (out == given.values).all()
    )
    assert run(store).read(layer=0, examples=slice(5, 5)).values.shape == (0, run(store).spec.width("L00"))


def test_rows_in_any_order(store: AnyStore, local: Store) -> None:
    rows = np.random.default_rng(0).permutation(run(local).reader.sequences.rows())
    np.testing.assert_array_equal(run(store).rows(rows, 2), run(local).rows(rows, 2))
    with pytest.raises(IndexError):
        run(store).rows([10**9], 2)


def test_scans_and_shuffles(store: AnyStore, local: Store) -> None:
    for given, wanted in zip(run(store).scan(2), run(local).scan(2), strict=True):
        np.testing.assert_array_equal(given[0], wanted[0])
        np.testing.assert_array_equal(given[1], wanted[1])
    steps = zip(
        run(store).shuffled(1, seed=3, rows_per_step=50), run(local).shuffled(1, seed=3, rows_per_step=50),
        strict=True,
    )  # fmt: skip
    for given, wanted in steps:
        np.testing.assert_array_equal(given[1], wanted[1])


def test_what_lies_beside_the_values(store: AnyStore, local: Store) -> None:
    assert run(store).tokens.equals(run(local).tokens)
    assert run(store).fidelity().equals(run(local).fidelity())
    assert (run(store).spec, run(store).sites) == (run(local).spec, run(local).sites)


def test_one_layer_and_one_site_need_no_list(store: AnyStore) -> None:
    listed = store.query(["base"], "small", [np.int64(1)], ["L02"], limit=5).read_all()
    assert store.query("base", "small", 1, "L02", limit=5).read_all().equals(listed)
    assert set(listed["site"].to_pylist()) == {"L01", "L02"}


def test_as_xarray(store: AnyStore, local: Store) -> None:
    pytest.importorskip("xarray")
    given, wanted = run(store).to_xarray(), run(local).to_xarray()
    assert dict(given.sizes) == dict(wanted.sizes)
    for part in (slice(4, 9), [7, 3, 5], 11):
        np.testing.assert_array_equal(given.L01[part].values, wanted.L01[part].values)
        np.testing.assert_array_equal(given.L01[part, ..., :3].values, wanted.L01[part, ..., :3].values)


@pytest.mark.parametrize(
    "query",
    [
        {"layers": [1]},
        {"layers": [0, 2], "where": "upos = 'NOUN'", "unit": "word", "pool": "last"},
        {"where": "text = 'cat'", "limit": 7},
        {"unit": "word", "sample": 9, "seed": 4},
        {"where": "false"},
    ],
)
def test_queries(store: AnyStore, local: Store, query: dict[str, Any]) -> None:
    names = ["base", "tuned"]
    given, wanted = store.query(names, "small", **query), local.query(names, "small", **query)
    assert given.schema == wanted.schema
    assert given.read_all().equals(wanted.read_all())


def test_where_may_ask_results(store: AnyStore) -> None:
    where = "(example, token) IN (SELECT example, token FROM drift WHERE cosine < 0.9)"
    assert store.query("base", "small", [1], where=where).read_all().num_rows == 0


def test_nearest(store: AnyStore, local: Store) -> None:
    asked: dict[str, Any] = {"checkpoints": ["base", "tuned"], "corpus": "small", "example": 3, "position": 2}
    assert store.nearest(**asked, k=4).equals(local.nearest(**asked, k=4))


def test_sql(store: AnyStore, local: Store) -> None:
    statement = "SELECT upos, count(*) n FROM words GROUP BY 1 ORDER BY 1"
    given: pa.Table = store.sql(statement)
    assert given.equals(local.sql(statement))


def test_as_a_source_of_analyses(store: AnyStore, small: SmallStore) -> None:
    local = StoreSource(small.objects.url)
    source: ActivationSource = (
        FlightSource(store.connection) if isinstance(store, RemoteStore) else StoreSource(small.objects.url)
    )
    source = pickle.loads(pickle.dumps(source))
    spec = run(store).spec
    rows = np.array([5, 4, 3, 9, 10], np.int64)
    np.testing.assert_array_equal(
        source.gather(spec.run_id, "L01", rows), local.gather(spec.run_id, "L01", rows)
    )
    assert source.tokens(spec.tokens_id, ["piece", "row"], (3, 20)).equals(
        local.tokens(spec.tokens_id, ["piece", "row"], (3, 20))
    )
    assert source.word_tokens(spec.tokens_id, ["first_token"]).equals(
        local.word_tokens(spec.tokens_id, ["first_token"])
    )
    steps = zip(
        source.scan(spec.run_id, "L02", rows_per_step=7), local.scan(spec.run_id, "L02", rows_per_step=7),
        strict=True,
    )  # fmt: skip
    for given, wanted in steps:
        np.testing.assert_array_equal(given[1], wanted[1])


@pytest.mark.parametrize(
    ("ask", "error", "words"),
    [
        (lambda store: store.run("none", "small"), NotFoundError, "there are: base, tuned"),
        (lambda store: store.run("base", "none"), NotFoundError, "none"),
        (lambda store: store.query("base", "small", [9]), NotFoundError, "L09"),
        (lambda store: store.query("base", "small", where="nothing = 1"), RequestError, "nothing"),
        (lambda store: store.query([], "small"), RequestError, "at least one checkpoint"),
        (lambda store: store.query("base", "small", "L01"), RequestError, "layer 'L01': a layer is"),
        (
            lambda store: store.run("base", "small").read("L01"),
            RequestError,
            "layer 'L01': a layer is",
        ),
        (lambda store: store.run("base", "small").read(-1), RequestError, "layer -1: a layer is"),
        (lambda store: store.run("base", "small").read(site=1), RequestError, "site 1: allowed are L00"),
        (lambda store: store.run("base", "small").read(1, 3), RequestError, "examples = 3: give a slice"),
        (lambda store: store.run("base", "small").rows(["a"], 1), RequestError, "rows of type <U1"),
        (lambda store: store.run("base", "small").rows([0.5], 1), RequestError, "rows of type float64"),
        (lambda store: store.nearest("base", "small", 3, 999), NotFoundError, "no token 999"),
        (lambda store: store.sql("SELECT * FROM read_text('/etc/passwd')"), RequestError, "Cannot access"),
        (lambda store: store.sql("DROP VIEW tokens"), RequestError, "one SELECT"),
    ],
)
def test_errors(store: AnyStore, ask: Any, error: type[ActstoreError], words: str) -> None:
    with pytest.raises(error, match=words) as raised:
        ask(store)
    assert type(raised.value) is error


def test_a_run_under_way(tmp_path: Path) -> None:
    made = prepare(tmp_path / "store", n_examples=40)
    with flight_address(engine(made.objects)) as address:
        remote = actstore.open(address, token=TOKEN)
        with pytest.raises(NotFoundError):
            remote.run("base", "small")
        made.extract()
        assert len(remote.run("base", "small").read(layer=1).values)  # seen without a restart
        local = Store(made.objects)
        run_id = local.run("base", "small").run_id
        place = made.objects.local_path(f"manifests/{run_id}.json")
        assert place is not None
        place.unlink()
        with pytest.raises(IncompleteRunError):
            remote.run("base", "small")
        assert len(remote.run("base", "small", allow_partial=True).read(layer=1).values)


def test_several_runs_of_a_pair(tmp_path: Path) -> None:
    made = prepare(tmp_path / "store", n_examples=12)
    made.extract()
    halves = {name: replace(spec, dtype="float16") for name, spec in made.specs.items()}
    replace(made, specs=halves).extract()
    with flight_address(engine(made.objects)) as address:
        remote = actstore.open(address, token=TOKEN)
        with pytest.raises(AmbiguousRunError, match="name one"):
            remote.run("base", "small")
        ids = remote.runs["run_id"].to_pylist()
        assert {remote.run("base", "small", run=item).run_id for item in ids} == set(ids)
