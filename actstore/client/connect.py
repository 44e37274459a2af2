"""Connect: a service's address as an open store."""

import os
from urllib.parse import urlsplit

from actstore.client.connection import Connection
from actstore.client.store import RemoteStore
from actstore.errors import RequestError

FLIGHT = {"grpc": "grpc", "grpc+tls": "grpc+tls", "grpcs": "grpc+tls"}
HTTP = ("http", "https")
TOKEN_VARIABLE = "ACTSTORE_TOKEN"


def is_service(url: str) -> bool:
    """Whether a place is a service's address."""
    scheme, separator, _ = url.partition("://")
    return bool(separator) and scheme in (*FLIGHT, *HTTP)


def connect(url: str, token: str | None = None) -> RemoteStore:
    """Open grpc://HOST:PORT or http://HOST:PORT (with TLS before it: grpcs://, https://).

    The token is by default from ACTSTORE_TOKEN. Raises RequestError for an address that is none. Nothing is
    sent yet: the first question raises ServiceError where no service answers, AccessError for another token.
    """
    parts = urlsplit(url)
    try:
        has_port = parts.port is not None or parts.scheme in HTTP
    except ValueError:
        has_port = False
    if not is_service(url) or not parts.hostname or not has_port or parts.query:
        raise RequestError(f"{url}: a service's address is grpc://HOST:PORT or http://HOST:PORT")
    return RemoteStore(_connection(url, token or os.environ.get(TOKEN_VARIABLE) or None))


def _connection(url: str, token: str | None) -> Connection:
    scheme, _, rest = url.rstrip("/").partition("://")
    if scheme in HTTP:
        from actstore.client.http import HttpConnection

        return HttpConnection(url.rstrip("/"), token)
    from actstore.client.flight import FlightConnection

    return FlightConnection(f"{FLIGHT[scheme]}://{rest}", token)
