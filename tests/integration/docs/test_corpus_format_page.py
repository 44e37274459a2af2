"""The page on corpus formats: its package, as it stands there, is a format of the study that it shows."""

import tomllib
from pathlib import Path

import pytest

from actstore.formats.registry import read_examples
from jobs.study.corpus import Corpus
from tests.support.pages import Block, walk
from tests.support.plugins import PLUGINS, register


def titled() -> dict[str, str]:
    found: dict[str, str] = {}

    def take(block: Block) -> None:
        assert block.title not in found
        found[block.title] = block.text

    walk("docs/howto/corpus_format.md", take)
    assert set(found) == {"pyproject.toml", "actstore_stanzas.py", "study.toml, at its end"}
    return found


TITLED = titled()


def test_the_format_of_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = tomllib.loads(TITLED["pyproject.toml"])["project"]
    (point,) = project["entry-points"]["actstore.formats"].items()
    (tmp_path / "actstore_stanzas.py").write_text(TITLED["actstore_stanzas.py"])
    register(tmp_path, project["name"], {"actstore.formats": " = ".join(point) + "\n"}, monkeypatch)
    (given,) = tomllib.loads(TITLED["study.toml, at its end"])["corpus"]
    (tmp_path / given["path"]).write_text("one two\nthree\n\n\nfour\n")
    corpus = Corpus(**{**given, "path": str(tmp_path / given["path"])})
    read = [example.text for example in read_examples(corpus.read_options).examples]
    assert read == ["one two three", "four"]


def test_the_package_that_is_installed_is_that_of_the_page() -> None:
    ours = tomllib.loads((PLUGINS / "stanzas" / "pyproject.toml").read_text())
    assert (
        ours["project"]["entry-points"] == tomllib.loads(TITLED["pyproject.toml"])["project"]["entry-points"]
    )
