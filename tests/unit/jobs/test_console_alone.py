"""One JSON document on stdout, whatever libraries print."""

import json

import pytest

from jobs.console import Console


def test_what_libraries_print_goes_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    console = Console(as_json=True)
    with console.alone():
        print("(raylet) a worker is gone")
        console.answer({"a": 1})
    said = capsys.readouterr()
    assert json.loads(said.out) == {"a": 1}
    assert said.err == "(raylet) a worker is gone\n"


def test_a_person_reads_stdout(capsys: pytest.CaptureFixture[str]) -> None:
    with Console().alone():
        print("a table")
    assert capsys.readouterr().out == "a table\n"
