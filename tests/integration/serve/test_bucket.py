"""The service over a bucket: what it answers, by either door, is what it answers over a folder."""

import uuid
from pathlib import Path

import pyarrow as pa

import actstore
from actstore.client import RemoteStore
from tests.support.s3_server import S3Server
from tests.support.served import TOKEN, engine, flight_address, http_address
from tests.support.small_store import prepare

STATEMENT = "SELECT corpus, example, word, text FROM words ORDER BY ALL"


def answers(place: Path | str) -> dict[str, list[pa.Table]]:
    """By door: a layer of one checkpoint, the same tokens of two, and a question of SQL."""
    made = prepare(place, n_examples=40, checkpoints=("base", "tuned"))
    made.extract()
    served = engine(made.objects)
    found = {}
    with flight_address(served) as grpc, http_address(served) as http:
        for address in (grpc, http):
            with actstore.open(address, token=TOKEN) as store:
                assert isinstance(store, RemoteStore)
                found[address.partition(":")[0]] = [
                    store.query("base", "small", [1]).read_all(),
                    store.query(["base", "tuned"], "small", [2]).read_all(),
                    store.sql(STATEMENT),
                ]
    return found


def test_a_bucket_answers_as_a_folder(s3: S3Server, tmp_path: Path) -> None:
    wanted = answers(tmp_path / "store")
    given = answers(s3.url(f"served/{uuid.uuid4().hex}"))
    assert set(given) == {"grpc", "http"}
    for door, tables in given.items():
        for table, same in zip(tables, wanted[door], strict=True):
            assert table.num_rows > 0
            assert table.equals(same), door
