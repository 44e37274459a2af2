"""Format `edges`: jiant's records as examples and targets; what is no record is named with its line."""

import json
from pathlib import Path
from typing import Any

import pytest

from actstore.errors import CorpusError
from actstore.formats.options import ReadOptions
from actstore.formats.registry import Reading, read_examples
from actstore.schema.text import Example, Target

TEXT = "Ian  ate strawberry ice cream"
ATE = {"span1": [1, 2], "span2": [0, 1], "label": "ARG0"}


def read(tmp_path: Path, *records: Any, **options: Any) -> tuple[list[Example], Reading]:
    path = tmp_path / "e.jsonl"
    path.write_text("".join(f"{one if isinstance(one, str) else json.dumps(one)}\n" for one in records))
    reading = read_examples(ReadOptions(format="edges", path=str(path), **options))
    return list(reading.examples), reading


def record(*targets: Any, text: str = TEXT, **more: Any) -> dict[str, Any]:
    return {"text": text, "targets": list(targets), **more}


def test_a_record_is_an_example_with_targets(tmp_path: Path) -> None:
    ice = {"span1": [1, 2], "span2": [2, 5], "label": "ARG1", "info": {"height": 2}}
    (example,), _ = read(tmp_path, record(ATE, ice, info={"source_id": "s7", "domain": "food"}))
    assert (example.source_id, example.text) == ("s7", "Ian ate strawberry ice cream")
    assert [word.text for word in example.words] == TEXT.split()
    assert all(example.text[w.char_start : w.char_end] == w.text for w in example.words)
    assert example.targets["edges"] == (
        Target(span1=(1, 2), span2=(0, 1), labels=("ARG0",), info='{"domain":"food"}'),
        Target(span1=(1, 2), span2=(2, 5), labels=("ARG1",), info='{"domain":"food","height":2}'),
    )


def test_raw_text_keeps_its_spaces(tmp_path: Path) -> None:
    (example,), _ = read(tmp_path, record(ATE), text_from="raw")
    assert example.text == TEXT
    assert all(example.text[w.char_start : w.char_end] == w.text for w in example.words)


def test_records_of_one_text_are_one_example_until_a_target_comes_twice(tmp_path: Path) -> None:
    other = ATE | {"span1": [2, 3]}
    examples, reading = read(
        tmp_path, record(ATE), record(other), record(ATE), record(ATE, text="You see it")
    )
    assert [len(one.targets["edges"]) for one in examples] == [2, 1, 1]
    assert [one.source_id for one in examples] == ["1", "3", "4"]
    assert reading.report.noted == {"records joined to the one before, of the same text": 1}


def test_labels_may_be_several_or_none(tmp_path: Path) -> None:
    targets = [{"span1": [0, 1], "label": label} for label in (["b", "a"], [], "c")]
    (example,), _ = read(tmp_path, record(*targets))
    assert [one.labels for one in example.targets["edges"]] == [("b", "a"), (), ("c",)]


def test_records_without_targets_are_left_out_and_counted(tmp_path: Path) -> None:
    examples, reading = read(tmp_path, record(), "", record(ATE))
    assert len(examples) == 1
    assert str(reading.report) == (
        "1 examples, 1 records without targets skipped (line 1), 1 blank lines skipped (line 2)"
    )


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (
            record(ATE | {"span2": [3, 6]}),
            r"e.jsonl:2: targets\[0\].span2 is \[3, 6\], outside the .* of 5 words",
        ),
        (record(ATE, ATE | {"span1": [-1, 1]}), r":2: targets\[1\].span1 is \[-1, 1\], outside"),
        (record(ATE | {"span1": [1, 1]}), r"span1 is \[1, 1\], outside"),
        (record(ATE | {"span1": 1}), r"span1 is 1; a span is \[first word, word after the last\]"),
        (record(ATE | {"span1": [True, 2]}), "a span is"),
        (record({"label": "x"}), r":2: targets\[0\] is .* with 'span1' and 'label'"),
        (record(ATE | {"label": 3}), "label is 3; it has to be a string or a list of strings"),
        (record(ATE | {"label": ["a", "a"]}), "each label stands once"),
        (record({"span1": [0, 1], "label": "x"}), ":2: a target has 1 spans, those before have 2"),
        ({"targets": []}, "e.jsonl:2: no 'text'"),
        (record(ATE, info=3), "'info' is 3; it has to be an object"),
        ("[1", "e.jsonl:2: no JSON at column"),
        ("[1]", "e.jsonl:2: a list where an object"),
    ],
)
def test_what_is_no_record_is_named_with_its_line(tmp_path: Path, bad: Any, message: str) -> None:
    with pytest.raises(CorpusError, match=message):
        read(tmp_path, record(ATE), bad)


def test_a_file_without_targets_is_no_corpus(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=r"holds no examples .*1 records without targets skipped"):
        read(tmp_path, record())
