"""A corpus format of an installed package: known to studies, read as our own, told where broken."""

import subprocess
import sys
from pathlib import Path

import pytest

from actstore.errors import CorpusError
from actstore.formats.options import ReadOptions
from actstore.formats.plugins import plugin_formats
from actstore.formats.registry import read_examples
from tests.support.plugins import install, register

READ = """
import sys
from actstore.formats.options import ReadOptions
from actstore.formats.registry import read_examples
from jobs.study.corpus import Corpus
corpus = Corpus(name="poem", path=sys.argv[1], format="stanzas", limit=2)
print([(example.text, len(example.words)) for example in read_examples(corpus.read_options).examples])
"""


def test_a_format_of_an_installed_package(tmp_path: Path) -> None:
    variables = install("stanzas", tmp_path)
    poem = tmp_path / "poem.txt"
    poem.write_text("one two\nthree\n\n\nfour\n\nfive six\n")
    done = subprocess.run(
        [sys.executable, "-c", READ, str(poem)], env=variables, check=True, capture_output=True, text=True
    )
    assert done.stdout.strip() == "[('one two three', 3), ('four', 1)]"


def test_without_the_package_the_format_is_unknown(tmp_path: Path) -> None:
    assert "stanzas" not in plugin_formats()
    with pytest.raises(CorpusError, match="stanzas"):
        read_examples(ReadOptions(format="stanzas", path=str(tmp_path)))


@pytest.mark.parametrize("points", ["broken = nowhere:read", "broken = actstore:nothing", None])
def test_a_package_that_is_broken_is_told(
    points: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(1 if points else 2):
        point = points or f"broken = package{number}:read"
        register(tmp_path, f"broken{number}", {"actstore.formats": f"{point}\n"}, monkeypatch)
    told = "can not be loaded" if points else "brought by 2 packages"
    with pytest.raises(CorpusError, match=told):
        list(read_examples(ReadOptions(format="broken", path="x")).examples)
