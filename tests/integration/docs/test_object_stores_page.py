"""The page on object stores, its commands and Python as they stand, against a real server."""

import shutil
from pathlib import Path

import pytest

from jobs.cli import main
from tests.support.commands import ALONE
from tests.support.pages import blocks
from tests.support.s3_server import BUCKET, S3Server
from tests.support.studies import make_study


def test_the_page(s3: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    study = make_study(tmp_path / "study").only(["base"], ["text"], "")
    assert main(["extract", str(study.write()), *ALONE]) == 0
    (tmp_path / "runs").mkdir()
    shutil.move(study.store, tmp_path / "runs" / "my")
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    ran = 0
    for block in blocks("howto/object_stores.md"):
        assert f"s3://{BUCKET}/my" in block.text
        if block.language == "sh":
            for words in block.commands:
                assert main(words[1:]) == 0, words
                ran += 1
        if block.language == "python":
            exec(compile(block.text, "howto/object_stores.md", "exec"), names)
    assert ran == 4
    assert names["rows"].shape[0] == 3  # type: ignore[attr-defined]
