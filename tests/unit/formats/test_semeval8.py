"""Format `semeval8`: marked nominals as spans, the seeded split; counts of the real files."""

import os
import re
from collections import Counter
from pathlib import Path

import pytest

from actstore.errors import CorpusError
from actstore.formats.options import ReadOptions
from actstore.formats.registry import read_examples
from actstore.schema.text import Example

BLOCK = '{}\t"{}"\r\n{}\r\nComment: none\r\n\r\n'


def read(path: Path, **options: str) -> list[Example]:
    return list(read_examples(ReadOptions(format="semeval8", path=str(path), **options)).examples)


def write(tmp_path: Path, *sentences: str) -> Path:
    path = tmp_path / "train.txt"
    text = "".join(BLOCK.format(i, one, f"R{i}(e2,e1)") for i, one in enumerate(sentences, start=1))
    path.write_bytes(text.encode())
    return path


def shown(example: Example) -> tuple[str, str]:
    (target,) = example.targets["relations"]
    assert target.span2 is not None
    spans = [example.words[slice(*span)] for span in (target.span1, target.span2)]
    one, two = (example.text[words[0].char_start : words[-1].char_end] for words in spans)
    return one, two


def test_marks_become_spans_and_leave_the_text(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        'The <e1>author</e1> of a "<e2>key generator</e2>" spoke.',
        "<e2>Soda</e2> comes in <e1>glass bottle</e1>s.",
    )
    first, second = read(path)
    assert first.text == 'The author of a "key generator" spoke.'
    assert (first.source_id, first.targets["relations"][0].labels) == ("1", ("R1(e2,e1)",))
    assert shown(first) == ("author", "key generator")
    assert shown(second) == ("glass bottles", "Soda")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('1\t"No marks."\nOther\n\n', "train.txt:1: 0 of the four tags"),
        ('1\t"<e1>A</e1> <e2>b."\nOther\n\n', "3 of the four tags"),
        ('1\t"<e1></e1> <e2>b</e2>."\nOther\n\n', "train.txt:1: no word between"),
        ('\n\n1\t"<e1>A</e1> <e2>b</e2>."\n\n', "train.txt:3: sentence 1 has no relation"),
        ("words\n\n", "train.txt:1: 'words'; a block begins with an id"),
    ],
)
def test_what_is_no_block_is_named_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "train.txt"
    path.write_text(text)
    with pytest.raises(CorpusError, match=message):
        read(path)


@pytest.mark.data
@pytest.mark.skipif("ACTSTORE_DATA" not in os.environ, reason="ACTSTORE_DATA is not set")
def test_the_released_files_have_the_counts_of_the_reference() -> None:
    folder = Path(os.environ["ACTSTORE_DATA"], "semeval2010_task8")
    train, dev = (read(folder / "TRAIN_FILE.TXT", split=split) for split in ("train", "dev"))
    test = read(folder / "TEST_FILE_FULL.TXT")
    assert (len(train), len(dev), len(test)) == (6851, 1149, 2717)
    assert not {one.source_id for one in train} & {one.source_id for one in dev}
    # counted anew from the file's lines
    lines = (folder / "TRAIN_FILE.TXT").read_text(encoding="utf-8").split("\n")
    relations = Counter(line.strip() for line in lines if re.fullmatch(r"(Other|\S+\(e\d,e\d\))\s*", line))
    found = Counter(one.targets["relations"][0].labels[0] for one in (*train, *dev))
    assert found == relations
    assert len(found) == 19
    marked = {
        line.split("\t")[0]: tuple(re.search(rf"<e{i}>(.*)</e{i}>", line)[1] for i in (1, 2))
        for line in lines
        if re.match(r"\d+\t", line)
    }
    whole = [one for one in (*train, *dev) if shown(one) == marked[one.source_id]]
    # all but those whose marks cut a word by our rule (a hyphenated or possessive word, a plural s)
    assert len(whole) == 8000 - 125
