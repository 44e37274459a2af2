"""Wire: every request comes back as it was; whatever else comes over it is refused, by name, never worse."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actstore import errors, wire
from actstore.errors import RequestError, WorkError
from actstore.schema.query import Nearest, Query
from actstore.schema.requests import (
    Fidelity,
    FindRun,
    Request,
    Rows,
    Scan,
    Sequences,
    Spec,
    Sql,
    Table,
    Tokens,
    WordTokens,
)

ID = "0123456789abcdef0123"
REQUESTS: list[Request] = [
    Query(checkpoints=("base", "tuned"), corpus="wiki", layers=(0, 6), where="upos = 'VERB'", sample=3),
    Query(
        checkpoints=("base",), corpus="wiki", sites=("final",), unit="word", runs=(ID,), allow_partial=True
    ),
    Nearest(checkpoints=("base",), corpus="wiki", example=3, position=2, k=5, layers=(1,)),
    Sql(statement="SELECT 'ü' -- \n"),
    Table(name="runs"),
    FindRun(checkpoint="base", corpus="wiki", run=ID),
    Spec(run_id=ID),
    Sequences(run_id=ID),
    Tokens(tokens_id=ID, columns=("piece",), rows=(3, 9)),
    WordTokens(tokens_id=ID, columns=("word",)),
    Rows(run_id=ID, site="L03", ranges=((0, 5), (7, 7)), check=True),
    Scan(run_id=ID, site="L03.attn", rows_per_step=100, shards=(0, 2)),
    Fidelity(run_id=ID),
]


@pytest.mark.parametrize("request_", REQUESTS, ids=wire.kind_of)
def test_there_and_back(request_: Request) -> None:
    assert wire.decode(wire.encode(request_)) == request_


def test_every_kind_is_tried_here() -> None:
    assert {wire.kind_of(item) for item in REQUESTS} == set(wire.KINDS)


@pytest.mark.parametrize(
    ("ticket", "words"),
    [
        (b"", "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b"[1]", "not a JSON object"),
        (b"{}", "kind None: allowed are query"),
        (b'{"kind": ["query"]}', "allowed are"),
        (b'{"kind": "sql", "statement": "SELECT 1", "more": 1}', "unknown 'more'; allowed are statement"),
        (b'{"kind": "sql", "statement": 1}', "statement: Input should be a valid string"),
        (b'{"kind": "query", "checkpoints": ["a"]}', "corpus: Field required"),
        (b'{"kind": "query", "checkpoints": [], "corpus": "k"}', "at least one checkpoint"),
        (b'{"kind": "query", "checkpoints": ["a"], "corpus": "k", "layers": ["1"]}', "layers"),
        (b'{"kind": "query", "checkpoints": ["a"], "corpus": "k", "limit": 1.5}', "limit"),
        (b'{"kind": "query", "checkpoints": ["a"], "corpus": "../../etc"}', "corpus = '../../etc'"),
        (b'{"kind": "query", "checkpoints": ["/a"], "corpus": "k"}', "checkpoints = '/a'"),
        (b'{"kind": "spec", "run_id": "../../manifests/x"}', "run_id"),
        (b'{"kind": "scan", "run_id": "0123456789abcdef0123", "site": "../x"}', "site"),
        (b'{"kind": "rows", "run_id": "0123456789abcdef0123", "site": "L", "ranges": [[5, 2]]}', "5 to 2"),
        (b'{"kind": "table", "name": "tokens"}', "allowed are checkpoints, corpora, runs"),
        (b"[" * 100_000, "not JSON"),
    ],
)  # fmt: skip
def test_what_is_refused(ticket: bytes, words: str) -> None:
    with pytest.raises(RequestError, match=words):
        wire.decode(ticket)


def test_a_ticket_is_bounded() -> None:
    long = json.dumps({"kind": "sql", "statement": "x" * wire.MAX_TICKET_BYTES}).encode()
    with pytest.raises(RequestError, match="ask in parts"):
        wire.decode(long)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
FIELDS = st.sampled_from(
    ["checkpoints", "corpus", "layers", "sites", "where", "limit", "run_id", "ranges", "columns", "statement",
     "example", "position", "k", "rows", "shards", "tokens_id", "name"]
)  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(list(wire.KINDS)), st.dictionaries(FIELDS, JSON, max_size=6))
def test_any_fields_make_a_request_or_an_error_of_ours(kind: str, fields: dict[str, Any]) -> None:
    ticket = json.dumps({"kind": kind, **fields}).encode()
    try:
        made = wire.decode(ticket)
    except RequestError:
        return
    assert wire.decode(wire.encode(made)) == made


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_make_a_request_or_an_error_of_ours(ticket: bytes) -> None:
    try:
        wire.decode(ticket)
    except RequestError:
        return


@pytest.mark.parametrize("kind", [item for item in vars(errors).values() if isinstance(item, type)])
def test_errors_keep_their_class(kind: type[errors.ActstoreError]) -> None:
    back = wire.error_from_dict(wire.error_to_dict(kind("what was wrong")))
    assert (type(back), str(back)) == (kind, "what was wrong")


@pytest.mark.parametrize("told", [{}, {"error": "SystemExit"}, {"error": "nothing", "message": "x"}])
def test_errors_of_unknown_classes_are_work_errors(told: dict[str, str]) -> None:
    assert type(wire.error_from_dict(told)) is WorkError
