"""Clients: the connection to a bucket named by a URL; credentials come from the usual environment."""

import os
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from obstore.exceptions import BaseError
from obstore.store import AzureStore, GCSStore, S3Store

from actstore.errors import RequestError

CONNECT_SECONDS = 5
SILENCE_SECONDS = 30
"""A connection on which nothing comes for so long is given up; the request is made again."""
REQUEST_SECONDS = 600
"""One request at most; a slow line that still moves is let go on."""
QUICK_RETRIES = 3
"""Of one request, inside the client; longer troubles are `patience`'s."""
ENDPOINTS = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT")
AnyClient = S3Store | GCSStore | AzureStore


def open_client(url: str) -> AnyClient:
    """The client of a bucket (or container) below a prefix. Nothing is sent yet. Raises RequestError."""
    parts = urlsplit(url)
    bucket, prefix = parts.netloc, parts.path.strip("/")
    if not bucket or parts.query or parts.fragment:
        raise RequestError(f"store {url!r}: give {parts.scheme}://BUCKET/PREFIX")
    options: dict[str, Any] = {
        "prefix": prefix or None,
        "client_options": {
            "connect_timeout": f"{CONNECT_SECONDS}s",
            "read_timeout": f"{SILENCE_SECONDS}s",
            "timeout": f"{REQUEST_SECONDS}s",
        },
        "retry_config": {
            "max_retries": QUICK_RETRIES,
            "retry_timeout": timedelta(seconds=SILENCE_SECONDS),
            "backoff": {"init_backoff": timedelta(milliseconds=50), "max_backoff": timedelta(seconds=1)},
        },
    }
    try:
        if parts.scheme == "gs":
            return GCSStore(bucket, **options)
        if parts.scheme == "az":
            return AzureStore(bucket, **options)
        options["client_options"]["allow_http"] = _endpoint().startswith("http://")
        # An object gets its name from a finished upload only where the name is free.
        return S3Store(bucket, copy_if_not_exists="multipart", **options)
    except (BaseError, ValueError) as error:
        first = str(error).splitlines()[0]
        raise RequestError(f"store {url!r}: {first}; look after the credentials' variables") from error


def _endpoint() -> str:
    return next((os.environ[name] for name in ENDPOINTS if os.environ.get(name)), "")
