"""Formats `snli`, `mnli` and `squad`: by hand, malformed, and the real files."""

import gzip
import json
import os
from pathlib import Path

import pytest

from actstore.errors import CorpusError
from actstore.formats.options import ReadOptions
from actstore.formats.registry import read_examples

FIRST = {
    "sentence1": "Two men.",
    "sentence2": "A mall.",
    "gold_label": "contradiction",
    "pairID": "7.jpg#4r1c",
}
GLUE = "index\tgenre\tsentence1\tsentence2\tlabel1\tgold_label\n"


def read(tmp_path, format, content, **given):
    path = tmp_path / ("file.gz" if isinstance(content, bytes) else "file")
    path.write_bytes(gzip.compress(content) if isinstance(content, bytes) else content.encode())
    reading = read_examples(ReadOptions(format=format, path=str(path), **given))
    return list(reading.examples), str(reading.report)


def jsonl(*rows) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


def test_snli(tmp_path):
    rows = [
        FIRST,
        {**FIRST, "gold_label": "-"},
        {**FIRST, "sentence2": " "},
        {**FIRST, "gold_label": "neutral"},
    ]
    del rows[3]["pairID"]
    content = jsonl(*rows[:3]) + "\n" + jsonl(rows[3])
    examples, report = read(tmp_path, "snli", content)
    assert [(e.source_id, e.text, e.text_b, e.label) for e in examples] == [
        ("7.jpg#4r1c", "Two men.", "A mall.", "contradiction"), ("5", "Two men.", "A mall.", "neutral"),
    ]  # fmt: skip
    assert [(w.segment, w.text) for w in examples[0].words][2:4] == [(0, "."), (1, "A")]
    assert report == (
        "2 examples, 1 pairs without a majority label skipped (line 2), "
        "1 pairs with an empty sentence skipped (line 3), 1 blank lines skipped (line 4)"
    )
    assert read(tmp_path, "mnli", content)[0] == examples
    assert read(tmp_path, "snli", content.encode())[0] == examples


def test_mnli_as_glue(tmp_path):
    content = (
        GLUE
        + 'a\tfiction\tHe "said\tIt is\tneutral\tentailment\n'
        + "b\tslate\tX\tY\t-\t-\nc\ttravel\tX\tY\t\thidden\n"
    )
    examples, report = read(tmp_path, "mnli", content)
    assert [(e.source_id, e.text, e.text_b, e.label) for e in examples] == [
        ("2", 'He "said', "It is", "entailment"), ("4", "X", "Y", None),
    ]  # fmt: skip
    assert report == (
        "2 examples, 1 pairs without a majority label skipped (line 3), 1 pairs without a label"
    )
    test_set = "index\tpairID\tsentence1\tsentence2\n0\t31n\tX\tY\n"
    assert [(e.source_id, e.label) for e in read(tmp_path, "mnli", test_set)[0]] == [("31n", None)]


def test_mnli_plain_and_detokenized(tmp_path):
    content = "entailment\tIt ca n't -LRB- be -RRB- .\tIt 's `` not '' .\nneutral\ta\tb\n"
    (first, second), _ = read(tmp_path, "mnli", content, detokenize="ptb")
    assert (first.source_id, first.label) == ("1", "entailment")
    assert (first.text, first.text_b) == ("It can't (be).", 'It\'s "not".')
    assert [w.text for w in first.words if w.segment == 1] == ["It's", '"', "not", '"', "."]
    assert second.label == "neutral"


@pytest.mark.parametrize(
    ("format", "content", "message"),
    [
        ("snli", jsonl(FIRST) + "{'a'\n", "file:2: no JSON at column 2 "),
        ("snli", "[1]\n", "file:1: a list where an object with 'sentence1' should be"),
        ("snli", jsonl({"sentence1": "a"}), "file:1: no 'sentence2'; there are 'sentence1'"),
        ("snli", jsonl({**FIRST, "sentence2": None}), "file:1: 'sentence2' is null; it has to be a string"),
        (
            "snli",
            jsonl({**FIRST, "gold_label": "maybe"}),
            "file:1: label 'maybe'; allowed are entailment, neu",
        ),
        (
            "mnli",
            "index\tpremise\tlabel\n1\ta\tneutral\n",
            "file:1: begins with 'index': neither a label of entail",
        ),
        ("mnli", "neutral\ta\tb\nneutral\ta\n", "file:2: 2 columns; a line is label TAB premise TAB hypo"),
        ("mnli", "neutral\ta\tb\nyes\ta\tb\n", "file:2: label 'yes'; allowed are entailment"),
        ("mnli", "sentence1\tgold_label\na\tneutral\n", "file:1: no column 'sentence2'; there are sentence1"),
        ("mnli", GLUE + "a\tb\n", "file:2: 2 columns; the header has 6"),
        ("mnli", GLUE, "holds no examples"),
    ],
)
def test_malformed_pairs(tmp_path, format, content, message):
    with pytest.raises(CorpusError, match=message):
        read(tmp_path, format, content)


CONTEXT = "The Panthers gave up 308 points.\n"


def squad(*questions, context=CONTEXT) -> str:
    paragraphs = [{"context": context, "qas": list(questions)}]
    return json.dumps({"version": "1.1", "data": [{"title": "t", "paragraphs": paragraphs}]}, indent=1)


def question(id="q1", text=" How many? ", start=21, answer="308") -> dict:
    return {"id": id, "question": text, "answers": [{"text": answer, "answer_start": start}]}


def test_the_answers_of_squad_are_targets(tmp_path):
    several = question()
    several["answers"] = [
        {"text": "308 p", "answer_start": 21}, {"text": "", "answer_start": 0},
        {"text": " ", "answer_start": 3},
    ]  # fmt: skip
    (example,), report = read(tmp_path, "squad", squad(several))
    spans = [target.span1 for target in example.targets["answers"]]
    assert [[word.text for word in example.words[a:b]] for a, b in spans] == [["308", "points"], []]
    assert [target.labels for target in example.targets["answers"]] == [("308 p",), (" ",)]
    assert json.loads(example.targets["answers"][0].info) == {"char_start": 21}
    assert "1 empty answers" in report


def test_squad(tmp_path):
    asked = [question(), question("q2", " "), {"id": "q3", "question": "Who?", "answers": []}]
    examples, report = read(tmp_path, "squad", squad(*asked))
    assert [(e.source_id, e.text, e.text_b, e.label) for e in examples] == [
        ("q1", "How many?", CONTEXT, None), ("q3", "Who?", CONTEXT, None),
    ]  # fmt: skip
    number = next(w for w in examples[0].words if w.text == "308")
    assert (number.segment, number.char_start) == (1, 21)
    assert report == "2 examples, 1 empty questions skipped (question 2), 1 questions without an answer"


def test_squad_without_a_text_in_a_paragraph(tmp_path):
    content = json.loads(squad(question()))
    content["data"][0]["paragraphs"].insert(0, {"context": " ", "qas": [question("q0")]})
    examples, report = read(tmp_path, "squad", json.dumps(content).encode())
    assert [e.source_id for e in examples] == ["q1"]
    assert report == "1 examples, 1 empty paragraphs skipped (paragraph 1)"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"data": [\n1,\n}', "file:3: no JSON at column 1 "),
        ("[]", "file: a list where an object with 'data' should be"),
        ('{"data": 1}', "file: 'data' is a number; it has to be a list"),
        ('{"data": [{}]}', r"file: data\[0\]: no 'paragraphs'; there are no keys"),
        (squad({"id": "q"}), r"data\[0\].paragraphs\[0\].qas\[0\]: no 'question'; there are 'id'"),
        (squad(question(), question()), r"qas\[1\]: the id 'q1' is there twice"),
        (
            squad(question(start=20)),
            r"answers\[0\]: '308' is not at character 20 of the par.* has ' 30' there",
        ),
        (squad(question(start=-3)), r"answers\[0\]: '308' is not at character -3"),
        ("", "holds no examples"),
        ('{"data": []}', "holds no examples"),
        ("[" * 100_000, "file:1: JSON nested too deeply"),
    ],
)
def test_malformed_squad(tmp_path, content, message):
    with pytest.raises(CorpusError, match=message):
        read(tmp_path, "squad", content)


def real(*parts: str) -> str:
    if "ACTSTORE_DATA" not in os.environ:
        pytest.skip("ACTSTORE_DATA is not set")
    return str(Path(os.environ["ACTSTORE_DATA"], *parts))


@pytest.mark.data
@pytest.mark.parametrize(
    ("format", "parts", "n_examples"),
    [
        ("snli", ("snli_subsets", "snlisub0.train.jsonl.gz"), 8329),
        ("mnli", ("mnli_1k", "mnli_matched"), 1000),
        ("mnli", ("mnli_1k", "mnli_mismatched"), 1000),
        ("squad", ("squad_format", "new_wiki_v1.0.json"), 7938),
        ("squad", ("squad_format", "xquad.en.json"), 1190),
    ],
)
def test_real_files(format, parts, n_examples):
    reading = read_examples(ReadOptions(format=format, path=real(*parts)))
    examples = list(reading.examples)
    assert len(examples) == reading.report.examples == n_examples
    assert reading.report.skipped == ()
    assert all(example.text and example.text_b for example in examples)
    labels = {example.label for example in examples}
    assert labels == ({None} if format == "squad" else {"entailment", "neutral", "contradiction"})
    for example in examples[:200]:
        for word in example.words:
            text = example.text_b if word.segment else example.text
            assert text[word.char_start : word.char_end] == word.text
