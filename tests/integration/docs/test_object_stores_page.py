"""The page on object stores, its commands and Python as they stand, against a real server."""

import shutil
import tomllib
from pathlib import Path

import pytest

import actstore
from jobs.cli import main
from tests.support.commands import ALONE
from tests.support.pages import Block, walk
from tests.support.s3_server import BUCKET, S3Server
from tests.support.studies import make_study


def test_the_page(s3: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    study = make_study(tmp_path / "study").only(["base"], ["text"], "")
    assert main(["extract", str(study.write()), *ALONE]) == 0
    (tmp_path / "runs").mkdir()
    shutil.move(study.store, tmp_path / "runs" / "my")
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}

    def run(block: Block) -> None:
        if block.language == "toml":
            assert tomllib.loads(block.text) == {"store": f"s3://{BUCKET}/my"}
            return
        assert block.language in ("sh", "python")
        if block.language == "python":
            exec(compile(block.text, block.page, "exec"), names)
            return
        for program, *words in block.commands:
            if program == "export":
                for name, _, value in (word.partition("=") for word in words):
                    monkeypatch.setenv(name, value.replace("/fast/disk", str(tmp_path)))
            else:
                assert (program, main(words)) == ("actstore", 0), words

    walk("docs/howto/object_stores.md", run)
    assert names["rows"].shape[0] == 3  # type: ignore[attr-defined]
    assert list(actstore.open(f"s3://{BUCKET}/my").run("base", "text").scan(layer=1))
    assert list((tmp_path / "actstore" / "shards").iterdir()), "reads went through the cache"
