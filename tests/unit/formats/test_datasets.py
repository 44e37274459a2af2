"""Format `datasets`: saved folders of the library read as texts, pairs, questions and trees."""

import json
from pathlib import Path

import pytest

from actstore.errors import CorpusError
from actstore.formats.options import ReadOptions
from actstore.formats.registry import read_examples

datasets = pytest.importorskip("datasets")
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
NLI = ("entailment", "neutral", "contradiction")


def saved(folder: Path, rows: dict[str, list], **features: object) -> Path:
    """A folder as `save_to_disk` writes it; `features` are those that are not plain."""
    found = datasets.Dataset.from_dict(rows)
    for name, feature in features.items():
        found = found.cast_column(name, feature)
    found.save_to_disk(str(folder))
    return folder


def read(path: object, **options: object) -> tuple[list, str]:
    reading = read_examples(ReadOptions(format="datasets", path=str(path), **options))
    return list(reading.examples), str(reading.report)


def test_pairs_with_numbered_classes(tmp_path: Path) -> None:
    rows = {"premise": ["A man.", "B", "C"], "hypothesis": ["He.", "b", " "], "label": [2, -1, 0]}
    folder = saved(tmp_path / "nli", rows, label=datasets.ClassLabel(names=list(NLI)))
    (example,), report = read(folder)
    assert (example.text, example.text_b, example.label) == ("A man.", "He.", "contradiction")
    assert example.source_id == "0"
    assert [word.text for word in example.words] == ["A", "man", ".", "He", "."]
    assert "1 pairs without a majority label skipped (row 1)" in report
    assert "1 pairs with an empty sentence skipped (row 2)" in report


def test_texts_with_and_without_classes(tmp_path: Path) -> None:
    folder = saved(
        tmp_path / "texts", {"text": ["One. Two.", " "], "label": ["good", "bad"], "id": ["a", "b"]}
    )
    (example,), report = read(folder)
    assert (example.source_id, example.text, example.label) == ("a", "One. Two.", "good")
    assert "1 rows without text skipped (row 1)" in report
    sentences, _ = read(folder, split_into="sentences")
    assert [(one.source_id, one.text) for one in sentences] == [("a.1", "One."), ("a.2", "Two.")]
    (first,), _ = read(saved(tmp_path / "plain", {"sentence": ["x", "y"]}), limit=1)
    assert (first.text, first.label) == ("x", None)


def test_questions_have_their_answers(tmp_path: Path) -> None:
    answers = [{"text": ["Paris"], "answer_start": [0]}, {"text": [], "answer_start": []}]
    rows = {
        "id": ["q1", "q2"],
        "question": ["Where?", "Why?"],
        "context": ["Paris is it."] * 2,
        "answers": answers,
    }
    examples, report = read(saved(tmp_path / "qa", rows))
    assert [one.source_id for one in examples] == ["q1", "q2"]
    (target,) = examples[0].targets["answers"]
    assert target.labels == ("Paris",)
    assert json.loads(target.info) == {"char_start": 0}
    assert [word.text for word in examples[0].words[slice(*target.span1)]] == ["Paris"]
    assert "1 questions without an answer" in report
    wrong = {**rows, "answers": [{"text": ["Rome"], "answer_start": [0]}] * 2}
    with pytest.raises(CorpusError, match="'Rome' is not at character 0"):
        read(saved(tmp_path / "wrong", wrong))


def test_trees_are_those_of_conllu(tmp_path: Path) -> None:
    lines = ["1\tShe\t_\tPRON\tPRP\t_\t2\tnsubj\t_\t_", "2\tsleeps\t_\tVERB\tVBZ\t_\t0\troot\t_\t_", ""]
    (tmp_path / "trees.conllu").write_text("\n".join(["# sent_id = s1", *lines]))
    (expected,) = read_examples(ReadOptions(format="conllu", path=str(tmp_path / "trees.conllu"))).examples
    rows = {
        "idx": ["s1"], "tokens": [["She", "sleeps"]], "upos": [[1, 0]], "xpos": [["PRP", "VBZ"]],
        "head": [["2", "0"]], "deprel": [["nsubj", "root"]],
    }  # fmt: skip
    tags = datasets.Sequence(datasets.ClassLabel(names=["VERB", "PRON"]))
    (example,), _ = read(saved(tmp_path / "ud", rows, upos=tags))
    assert example == expected
    bad = {**rows, "head": [["3", "0"]]}
    with pytest.raises(CorpusError, match="head 3; allowed are 0 to 2"):
        read(saved(tmp_path / "bad", bad))


def test_splits_are_named(tmp_path: Path) -> None:
    parts = {name: datasets.Dataset.from_dict({"text": [name]}) for name in ("train", "test")}
    datasets.DatasetDict(parts).save_to_disk(str(tmp_path / "both"))
    assert read(tmp_path / "both", split="test")[0][0].text == "test"
    for split in (None, "dev"):
        with pytest.raises(CorpusError, match="add split = one of train, test"):
            read(tmp_path / "both", split=split)
    with pytest.raises(CorpusError, match='leave split = "train" out'):
        read(saved(tmp_path / "one", {"text": ["x"]}), split="train")
    datasets.DatasetDict({"only": parts["train"]}).save_to_disk(str(tmp_path / "only"))
    assert len(read(tmp_path / "only")[0]) == 1


def test_what_is_no_data_set(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="of which none makes a text"):
        read(saved(tmp_path / "numbers", {"value": [1, 2]}))
    for path in (tmp_path / "nowhere", "no-such-owner/no-such-data-set"):
        with pytest.raises(CorpusError, match="no data set that can be opened"):
            read(path)
