"""Auth: who may ask. One bearer token for all; without one the service stays on loopback."""

import base64
import hmac
import ipaddress
import os
from pathlib import Path

from actstore.errors import AccessError, RequestError

TOKEN_VARIABLE = "ACTSTORE_TOKEN"
MIN_TOKEN_CHARACTERS = 16


def read_token(file: Path | None) -> str | None:
    """The token from a file, else from ACTSTORE_TOKEN, else None. Raises RequestError for a weak one."""
    if file is not None:
        try:
            token = file.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise RequestError(f"--token-file {file}: it can not be read ({error})") from None
    else:
        token = os.environ.get(TOKEN_VARIABLE, "").strip()
        if not token:
            return None
    if len(token) < MIN_TOKEN_CHARACTERS or not token.isascii() or not token.isprintable() or " " in token:
        raise RequestError(
            f"the token has to be at least {MIN_TOKEN_CHARACTERS} printable ASCII characters without spaces; "
            'make one with `python -c "import secrets; print(secrets.token_urlsafe(32))"`'
        )
    return token


def check_host(host: str, token: str | None) -> None:
    """Without a token only loopback is bound. Raises RequestError."""
    if token is None and not is_loopback(host):
        raise RequestError(
            f"--host {host} can be reached from elsewhere: give a token (--token-file FILE, or the variable "
            f"{TOKEN_VARIABLE}), or leave --host out to serve this machine only"
        )


def is_loopback(host: str) -> bool:
    """Whether an address is reached from this machine only."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def check_authorization(header: str | None, token: str | None) -> None:
    """Raises AccessError unless the header `Bearer TOKEN` carries the token. Takes equally long for each."""
    if token is None:
        return
    if not hmac.compare_digest(_given(header or "").encode(), token.encode()):
        raise AccessError("the service wants its token: send the header 'Authorization: Bearer TOKEN'")


def _given(header: str) -> str:
    """The token of `Bearer TOKEN`, or of `Basic`, where a browser asks for it as the password."""
    scheme, _, value = header.partition(" ")
    if scheme.lower() == "bearer":
        return value
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(value, validate=True).decode().partition(":")[2]
        except ValueError:
            return ""
    return ""
