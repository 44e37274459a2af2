"""Wire: requests as JSON tickets and back, errors as their class and message. No pickles, no paths."""

import json
import re
from dataclasses import asdict, fields
from typing import Any

from pydantic import TypeAdapter, ValidationError

from actstore import errors
from actstore.errors import ActstoreError, RequestError, WorkError
from actstore.schema import ID_LENGTH, requests
from actstore.schema.query import Nearest, Query
from actstore.schema.refs import NAME_PATTERN
from actstore.schema.requests import Request

MAX_TICKET_BYTES = 4 << 20
NAMES = NAME_PATTERN
IDS = re.compile(rf"[0-9a-f]{{{ID_LENGTH}}}")
NAME_FIELDS = ("checkpoint", "checkpoints", "corpus", "site", "sites")
ID_FIELDS = ("run", "runs", "run_id", "tokens_id")
KINDS: dict[str, type[Any]] = {
    "query": Query,
    "nearest": Nearest,
    "sql": requests.Sql,
    "table": requests.Table,
    "find_run": requests.FindRun,
    "spec": requests.Spec,
    "sequences": requests.Sequences,
    "tokens": requests.Tokens,
    "word_tokens": requests.WordTokens,
    "rows": requests.Rows,
    "scan": requests.Scan,
    "fidelity": requests.Fidelity,
}
_NAMES = {kind: name for name, kind in KINDS.items()}
_ADAPTERS = {name: TypeAdapter(kind) for name, kind in KINDS.items()}


def encode(request: Request) -> bytes:
    """A request as a ticket: a JSON object with its kind and its fields."""
    told = {"kind": kind_of(request), **asdict(request)}
    return json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()


def kind_of(request: Request) -> str:
    """The name of a request's kind."""
    return _NAMES[type(request)]


def decode(ticket: bytes) -> Request:
    """A ticket as a request. Raises RequestError that says what is wrong with it."""
    if len(ticket) > MAX_TICKET_BYTES:
        raise RequestError(f"a request of {len(ticket):,} bytes; at most {MAX_TICKET_BYTES:,}: ask in parts")
    try:
        told = json.loads(ticket)
    except (ValueError, RecursionError) as error:
        raise RequestError(f"the ticket is not JSON: {error}") from None
    if not isinstance(told, dict):
        raise RequestError("the ticket is not a JSON object with a kind and its fields")
    return parse(told.pop("kind", None), told)


def parse(kind: object, values: dict[str, Any]) -> Request:
    """A request of a kind from its fields, of exactly the types they have. Raises RequestError."""
    if not isinstance(kind, str) or kind not in KINDS:
        raise RequestError(f"kind {kind!r}: allowed are {', '.join(KINDS)}")
    allowed = [field.name for field in fields(KINDS[kind])]
    if unknown := sorted(set(values) - set(allowed)):
        told_unknown = ", ".join(map(repr, unknown))
        raise RequestError(f"{kind}: unknown {told_unknown}; allowed are {', '.join(allowed)}")
    _check_names(kind, values)
    try:
        request: Request = _ADAPTERS[kind].validate_json(json.dumps(values), strict=True)
    except ValidationError as error:
        raise RequestError(f"{kind}: {told(error)}") from None
    return request


def _check_names(kind: str, told: dict[str, Any]) -> None:
    """No string of a client's becomes a path: names and ids have a form that no path has."""
    for field, value in told.items():
        pattern = NAMES if field in NAME_FIELDS else IDS if field in ID_FIELDS else None
        for item in value if isinstance(value, list) else [value]:
            if pattern is not None and isinstance(item, str) and not pattern.fullmatch(item):
                raise RequestError(f"{kind}.{field} = {item!r}: it can not be one; `actstore ls` lists them")


def told(error: ValidationError) -> str:
    """What pydantic found wrong, in a sentence."""
    return "; ".join(map(_sentence, error.errors(include_url=False)))


def _sentence(item: Any) -> str:
    place = ".".join(map(str, item["loc"]))
    message = item["msg"].removeprefix("Value error, ")
    return f"{place}: {message}" if place else str(message)


def error_to_dict(error: ActstoreError) -> dict[str, str]:
    """An error as its class and its message."""
    return {"error": type(error).__name__, "message": str(error)}


def error_from_dict(told: dict[str, Any]) -> ActstoreError:
    """The error a server told of; of an unknown class, a WorkError."""
    kind = getattr(errors, str(told.get("error")), WorkError)
    if not (isinstance(kind, type) and issubclass(kind, ActstoreError)):
        kind = WorkError
    return kind(str(told.get("message", "the server gave no reason")))
