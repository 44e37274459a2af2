"""Format `iob2`: tags as spans, both column orders; the released files counted anew."""

import os
from collections import Counter
from pathlib import Path

import pytest

from actstore.errors import CorpusError
from actstore.formats.options import ReadOptions
from actstore.formats.registry import read_examples
from actstore.schema.text import Example

UNER = """# newdoc id = d
# sent_id = d-1
# text = I saw New York City.
1\tI\tO\t-\t-
2\tsaw\tO\t-\t-
3\tNew\tB-LOC\t-\tann
4\tYork\tI-LOC\t-\tann
5\tCity\tB-LOC\t-\tann
6\t.\tO\t-\t-

# sent_id = d-2
1\tAnn\tB-PER\t-\tann
2\tBo\tB-ORG\t-\tann
3\tX\tI-ORG\t-\tann
"""


def read(path: Path, text: str | None = None) -> list[Example]:
    if text is not None:
        path.write_text(text, encoding="utf-8")
    return list(read_examples(ReadOptions(format="iob2", path=str(path))).examples)


def spans(example: Example) -> list[tuple[tuple[int, int], str]]:
    return [(target.span1, target.labels[0]) for target in example.targets["entities"]]


def test_tags_become_spans(tmp_path: Path) -> None:
    first, second = read(tmp_path / "a.iob2", UNER)
    assert (first.source_id, first.text) == ("d-1", "I saw New York City .")
    assert spans(first) == [((2, 4), "LOC"), ((4, 5), "LOC")]
    assert spans(second) == [((0, 1), "PER"), ((1, 3), "ORG")]


def test_columns_of_conll(tmp_path: Path) -> None:
    (example,) = read(tmp_path / "a.iob2", "EU NNP B-NP B-ORG\nrejects VBZ B-VP O\n\n")
    assert (example.source_id, example.text, spans(example)) == ("1", "EU rejects", [((0, 1), "ORG")])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1\ta\tO\n2\tb\tI-PER\n", "a.iob2:2: I-PER continues no PER; write B-PER"),
        ("1\ta\tB-LOC\n2\tb\tI-PER\n", "a.iob2:2: I-PER continues no PER"),
        ("a O\n\nword\n", "a.iob2:3: 'word'; a line is number TAB word TAB tag"),
        ("1\ta\tPER\n", "a tag is O, B-X or I-X"),
    ],
)
def test_what_is_no_tag_is_named_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(CorpusError, match=message):
        read(tmp_path / "a.iob2", text)


@pytest.mark.data
@pytest.mark.skipif("ACTSTORE_DATA" not in os.environ, reason="ACTSTORE_DATA is not set")
@pytest.mark.parametrize("part", ["dev", "test"])
def test_the_released_files_counted_anew(part: str) -> None:
    path = Path(os.environ["ACTSTORE_DATA"], "uner_ewt", f"en_ewt-ud-{part}.iob2")
    lines = [line.split("\t") for line in path.read_text(encoding="utf-8").split("\n")]
    begun = Counter(columns[2][2:] for columns in lines if len(columns) > 2 and columns[2][:2] == "B-")
    examples = read(path)
    assert Counter(label for one in examples for _, label in spans(one)) == begun
    inside = sum(columns[2] != "O" for columns in lines if len(columns) > 2)
    assert sum(b - a for one in examples for (a, b), _ in spans(one)) == inside
    assert len(examples) == {"dev": 2001, "test": 2077}[part]
