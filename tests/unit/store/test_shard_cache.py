"""Where shards of object stores are kept on this machine."""

from pathlib import Path

import pytest

from actstore.errors import RequestError
from actstore.store.cache import from_environment


@pytest.mark.parametrize("value", [None, "", "none"])
def test_nothing_is_kept_unless_a_folder_is_named(value: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ACTSTORE_CACHE", raising=False)
    if value is not None:
        monkeypatch.setenv("ACTSTORE_CACHE", value)
    assert from_environment() is None


def test_shards_have_a_folder_of_their_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hashes of model files lie in the same place, and are nothing that room is made of."""
    monkeypatch.setenv("ACTSTORE_CACHE", str(tmp_path))
    monkeypatch.setenv("ACTSTORE_CACHE_BYTES", "1000")
    cache = from_environment()
    assert cache is not None
    assert (cache.folder, cache.limit_bytes) == (tmp_path / "shards", 1000)


def test_a_limit_that_is_no_number_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACTSTORE_CACHE", str(tmp_path))
    monkeypatch.setenv("ACTSTORE_CACHE_BYTES", "1 GiB")
    with pytest.raises(RequestError, match="1 GiB"):
        from_environment()
