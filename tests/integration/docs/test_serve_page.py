"""The page on serving: its Python works as it stands, over both doors of a real service."""

from pathlib import Path

import pytest

from tests.support.pages import blocks
from tests.support.served import engine, flight_address, http_address
from tests.support.small_store import prepare


@pytest.mark.parametrize("door", [flight_address, http_address])
def test_the_python_of_the_page(door, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    made = prepare(tmp_path / "store", corpus="notes", checkpoints=("base", "tuned"))
    made.extract()
    names: dict[str, object] = {}
    with door(engine(made.objects), token=None) as address:
        for block in blocks("howto/serve.md"):
            if block.language == "python":
                exec(block.text.replace("grpc://127.0.0.1:8091", address), names)
        assert names["frame"].shape == (200, 8)  # type: ignore[attr-defined]
        assert names["polars_frame"].shape == (200, 8)  # type: ignore[attr-defined]
        assert tuple(names["tensor"].shape) == (200, 8)  # type: ignore[attr-defined]
        assert names["first"].shape == (5, 8)  # type: ignore[attr-defined]
        names["store"].close()  # type: ignore[attr-defined]
