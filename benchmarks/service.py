"""The service: what doors keep of a scan's speed, how fast small questions are, and against code by hand.

Both doors and whoever asks them share this machine, so that a ratio is of one machine doing both ends' work.
"""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import uvicorn
import zarr
from common import Timing, in_turns, parser, report, scratch, speed_rows
from made_up import SITE, Layer
from made_up_text import CORPUS, SITES, make_store
from pyarrow import flight

import actstore
from actstore.client import FlightSource, RemoteStore
from actstore.schema.requests import Scan
from actstore.serve.engine import SERVICE_LIMITS, Engine
from actstore.serve.flight import FlightDoor
from actstore.serve.gate import Gate
from actstore.serve.http.app import create_app
from actstore.session import Store
from actstore.store import paths
from actstore.store.objects import Objects

N_TOKENS, N_ROWS = 100, 5000
QUESTIONS = {
    "two examples": {"where": "example BETWEEN 700 AND 701", "limit": N_TOKENS},
    "first verbs": {"where": "upos = 'VERB'", "limit": N_TOKENS},
    "first verbs, as words": {"where": "upos = 'VERB'", "limit": N_TOKENS, "unit": "word"},
    "100 tokens of all": {"sample": N_TOKENS},
    "100 verbs of all": {"where": "upos = 'VERB'", "sample": N_TOKENS},
}
"""Of about 100 tokens each; a sample has to look at every token that the predicate lets through."""


@contextmanager
def doors(objects: Objects) -> Iterator[dict[str, Store | RemoteStore]]:
    """The store itself, and what Flight and HTTP on loopback open."""
    engine = Engine(objects, SERVICE_LIMITS, Gate(working=2, open_answers=16, wait_seconds=30))
    with ExitStack() as opened, socket.socket() as listener:
        door = opened.enter_context(FlightDoor(engine, "127.0.0.1", 0, None))
        listener.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(create_app(engine), log_level="warning"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.01)
        yield {
            "in process": engine.store,
            "Flight": opened.enter_context(actstore.open(f"grpc://127.0.0.1:{door.port}")),
            "HTTP, Arrow": opened.enter_context(
                actstore.open(f"http://127.0.0.1:{listener.getsockname()[1]}")
            ),
        }
        server.should_exit = True
        thread.join(10)


class Prepared(flight.FlightServerBase):  # type: ignore[misc]
    """What Flight itself can do here: batches of the same form and size that lie in memory already."""

    def __init__(self, reader: pa.RecordBatchReader) -> None:
        super().__init__("grpc://127.0.0.1:0")
        self._schema, self._batches = reader.schema, list(reader)

    def do_get(self, context: object, ticket: flight.Ticket) -> flight.RecordBatchStream:
        return flight.RecordBatchStream(pa.RecordBatchReader.from_batches(self._schema, self._batches))

    def drain(self, client: flight.FlightClient) -> int:
        """Rows that came through."""
        return sum(chunk.data.num_rows for chunk in client.do_get(flight.Ticket(b"")))


@contextmanager
def prepared(layer: Layer, stores: dict[str, Store | RemoteStore]) -> Iterator[Callable[[], object]]:
    """A scan's batches from memory, by a server and a client that do nothing else."""
    remote = stores["Flight"]
    assert isinstance(remote, RemoteStore)
    asked = Scan(run_id=layer.spec.run_id, site=SITE, rows_per_step=None, shards=None, allow_partial=False)
    stream = remote.connection.stream(asked)
    with (
        Prepared(pa.RecordBatchReader.from_batches(stream.schema, stream)) as server,
        flight.connect(f"grpc://127.0.0.1:{server.port}") as client,
    ):
        yield lambda: server.drain(client)


def scan_ways(layer: Layer, stores: dict[str, Store | RemoteStore]) -> dict[str, Callable[[], object]]:
    """A whole layer, step by step, each step dropped."""
    run_id = layer.spec.run_id

    def way(store: Store | RemoteStore) -> Callable[[], object]:
        if isinstance(store, Store):
            return lambda: sum(len(row_T) for row_T, _ in store.readers(run_id).scan(SITE))
        return lambda: sum(len(row_T) for row_T, _ in FlightSource(store.connection).scan(run_id, SITE))

    return {name: way(store) for name, store in stores.items()}


def latency_rows(stores: dict[str, Store | RemoteStore], n_checkpoints: int, rounds: int):  # type: ignore[no-untyped-def]
    """A row a question and door: milliseconds until the last batch is there."""
    names = [f"c{number}" for number in range(n_checkpoints)]
    rows = []
    for title, asked in QUESTIONS.items():
        ways: dict[str, Callable[[], object]] = {
            name: lambda store=store, asked=asked: store.query(names, CORPUS, [], SITES, **asked).read_all()
            for name, store in stores.items()
        }
        for way in ways.values():
            way()
        timings: dict[str, Timing] = in_turns(ways, rounds)
        rows += [
            {
                "question": title,
                "through": name,
                "ms p50": round(timing.median_seconds * 1e3),
                "ms best": round(timing.best_seconds * 1e3),
                "ms worst": round(max(timing.rounds_seconds) * 1e3),
            }
            for name, timing in timings.items()
        ]
    return rows


def by_hand(objects: Objects) -> Callable[[], tuple[pa.Table, npt.NDArray[np.generic]]]:
    """What one writes without actstore: DuckDB over the Parquet files, then zarr-python at those rows."""
    store = Store(objects)
    run = store.run("c0", CORPUS)
    text_id, tokens_id = run.spec.text_id, run.spec.tokens_id
    array = zarr.open_array(objects.local_path(paths.run(run.run_id, SITES[0])), mode="r")
    place = {
        name: objects.local_path(paths.tokens(text_id, tokens_id, f"{name}.parquet"))
        for name in ("tokens", "word_tokens")
    }
    (labels,) = Path(objects.local_path(paths.text(text_id, "labels"))).glob("*.parquet")  # type: ignore[arg-type]
    statement = f"""
        SELECT t.example, t.token, t.piece, t.row FROM '{place["tokens"]}' t
        JOIN '{place["word_tokens"]}' w ON w.example = t.example AND w.first_token = t.token
        JOIN '{labels}' l ON l.example = w.example AND l.word = w.word
        WHERE l.upos = 'VERB' ORDER BY t.row LIMIT {N_ROWS}
    """

    def way() -> tuple[pa.Table, npt.NDArray[np.generic]]:
        with duckdb.connect() as connection:
            found = connection.sql(statement).to_arrow_table()
        return found, array.oindex[found["row"].to_numpy()]

    return way


def check(table: pa.Table, found: pa.Table, values_ND: npt.NDArray[np.generic]) -> None:
    """Both give the same rows and values, or there is nothing to compare."""
    got_ND = np.stack(table["activation"].to_numpy())
    if table["example"].to_pylist() != found["example"].to_pylist() or not np.array_equal(got_ND, values_ND):
        raise RuntimeError("the answer by hand is another one")


def main() -> None:
    made = parser(__doc__)
    made.add_argument("--tokens", type=int, default=10**6)
    made.add_argument("--rows", type=int, default=300_000, help="of the layer that is scanned")
    made.add_argument("--checkpoints", type=int, default=10)
    made.add_argument("--query-width", type=int, default=64)
    chosen = made.parse_args()
    if chosen.small:
        chosen.tokens, chosen.rows, chosen.checkpoints, chosen.width = 64_000, 20_000, 2, 64
    with scratch(chosen.folder) as folder:
        tables = {}
        layer = Layer(folder / "layer", chosen.rows, chosen.width)
        size = len(layer.row_T) * chosen.width * 2
        with doors(layer.objects) as stores, prepared(layer, stores) as bare:
            ways = scan_ways(layer, stores) | {"Flight alone, batches in memory": bare}
            for way in ways.values():
                way()
            title = f"a layer of {size / 1e9:.2f} GB scanned in steps, page cache warm"
            tables[title] = speed_rows(in_turns(ways, chosen.rounds), size, "in process")
        objects = make_store(folder / "texts", chosen.tokens, chosen.checkpoints, chosen.query_width)
        with doors(objects) as stores:
            title = (
                f"{N_TOKENS} tokens x {chosen.checkpoints} checkpoints x {len(SITES)} sites of "
                f"{chosen.tokens:,} tokens, width {chosen.query_width}, warm"
            )
            tables[title] = latency_rows(stores, chosen.checkpoints, 3 * chosen.rounds)
            asked = {"where": "upos = 'VERB'", "limit": N_ROWS}
            ours = lambda: stores["in process"].query("c0", CORPUS, [], SITES[:1], **asked).read_all()  # noqa: E731
            hand = by_hand(objects)
            check(ours(), *hand())
            rows = in_turns({"DuckDB and zarr by hand": hand, "actstore": ours}, chosen.rounds)
            size = N_ROWS * chosen.query_width * 2
            tables[f"filter and gather of {N_ROWS:,} rows"] = [
                {
                    "way": name,
                    "ms best": round(timing.best_seconds * 1e3),
                    "ms p50": round(timing.median_seconds * 1e3),
                }
                for name, timing in rows.items()
            ]
        print(report(tables, folder, as_json=chosen.json))


if __name__ == "__main__":
    main()
