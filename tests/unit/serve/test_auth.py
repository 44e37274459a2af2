"""Who may ask: the token, where it comes from, and which addresses need one."""

import base64
from pathlib import Path

import pytest

from actstore.errors import AccessError, RequestError
from actstore.serve.auth import check_authorization, check_host, read_token

TOKEN = "a-token-of-some-length"


def basic(password: str) -> str:
    return "Basic " + base64.b64encode(f"anyone:{password}".encode()).decode()


@pytest.mark.parametrize("header", [f"Bearer {TOKEN}", f"bearer {TOKEN}", basic(TOKEN)])
def test_the_token_opens(header: str) -> None:
    check_authorization(header, TOKEN)


@pytest.mark.parametrize(
    "header",
    [None, "", TOKEN, "Bearer", "Bearer ", f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}", f"Digest {TOKEN}",
     basic("other"), "Basic ???", "Basic /w==", f"Bearer \u00fc{TOKEN}"],
)  # fmt: skip
def test_nothing_else_does(header: str | None) -> None:
    with pytest.raises(AccessError, match="Authorization: Bearer TOKEN") as raised:
        check_authorization(header, TOKEN)
    assert TOKEN not in str(raised.value)


def test_without_a_token_anyone_may(tmp_path: Path) -> None:
    check_authorization(None, None)


def test_the_token_is_from_a_file_or_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ACTSTORE_TOKEN", raising=False)
    assert read_token(None) is None
    monkeypatch.setenv("ACTSTORE_TOKEN", TOKEN + "-from-the-environment")
    assert read_token(None) == TOKEN + "-from-the-environment"
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    assert read_token(tmp_path / "token") == TOKEN


@pytest.mark.parametrize("content", ["", "short", "with a space in it somewhere", "ümläut-ümläut-ümläut"])
def test_weak_tokens_are_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "token").write_text(content)
    with pytest.raises(RequestError, match="at least 16") as raised:
        read_token(tmp_path / "token")
    assert not content or content not in str(raised.value)


def test_a_token_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="can not be read"):
        read_token(tmp_path / "none")


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost", "127.1.2.3"])
def test_loopback_needs_no_token(host: str) -> None:
    check_host(host, None)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.5", "example.org", "", "2130706433"])
def test_other_addresses_do(host: str) -> None:
    with pytest.raises(RequestError, match="--token-file"):
        check_host(host, None)
    check_host(host, TOKEN)
