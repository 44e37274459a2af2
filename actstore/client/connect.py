"""Connect: a service's address as an open store."""

import os
from urllib.parse import urlsplit

from actstore.client.connection import Connection
from actstore.client.store import RemoteStore
from actstore.errors import RequestError

SCHEMES = {"grpc": "grpc", "grpc+tls": "grpc+tls", "grpcs": "grpc+tls"}
TOKEN_VARIABLE = "ACTSTORE_TOKEN"


def is_service(url: str) -> bool:
    """Whether a place is a service's address."""
    return url.partition("://")[0] in SCHEMES and "://" in url


def connect(url: str, token: str | None = None) -> RemoteStore:
    """Open `grpc://host:port` (or `grpcs://`, behind TLS); the token is by default from ACTSTORE_TOKEN.

    Raises RequestError for an address that is none, ServiceError where no service answers, AccessError for a
    token that is not the service's.
    """
    parts = urlsplit(url)
    try:
        port = parts.port
    except ValueError:
        port = None
    if parts.scheme not in SCHEMES or not parts.hostname or port is None or parts.path.strip("/"):
        raise RequestError(f"{url}: a service's address is grpc://HOST:PORT (see `actstore serve`)")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    location = f"{SCHEMES[parts.scheme]}://{host}:{port}"
    return RemoteStore(Connection(location, token or os.environ.get(TOKEN_VARIABLE) or None))
