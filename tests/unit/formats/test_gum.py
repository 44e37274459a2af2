"""Format `gum`: brackets of Entity= as mentions and pairs; the released documents counted anew."""

import os
import re
import tarfile
from collections import Counter
from pathlib import Path

import pytest

from actstore.errors import CorpusError
from actstore.formats.options import ReadOptions
from actstore.formats.registry import Reading, read_examples
from actstore.schema.text import Example


def row(number: int, form: str, entity: str = "") -> str:
    misc = f"Entity={entity}|SpaceAfter=No" if entity else "_"
    head, relation = (0, "root") if number == 1 else (1, "dep")
    return f"{number}\t{form}\t_\tNOUN\tNN\t_\t{head}\t{relation}\t_\t{misc}"


def sentence(name: str, *words: tuple[str, str]) -> str:
    rows = [row(i, *word) for i, word in enumerate(words, start=1)]
    return "\n".join([f"# sent_id = {name}", *rows, "", ""])


ANN = sentence(
    "d-1",
    ("Ann", "(1-person-new-cf1-1-sgl)"),
    ("saw", ""),
    ("her", "(2-animal-new-cf2-2-coref(1-person-giv:act-cf1-1-ana)"),
    ("dog", "2)"),
)
IT = sentence("d-2", ("it", "(2-animal-giv:act-cf1-1-ana)"), ("ran", ""), ("home", "(3-place-new)"))
OTHER = sentence("e-1", ("Ann", "(1-person-new)"), ("Bo", "(2-person-new)"))
BANK = f"# newdoc id = d\n{ANN}{IT}# newdoc id = e\n{OTHER}"


def read(path: Path, text: str | None = None, **options: str) -> tuple[list[Example], Reading]:
    if text is not None:
        path.write_text(text, encoding="utf-8")
    reading = read_examples(ReadOptions(format="gum", path=str(path), **options))
    return list(reading.examples), reading


def entities(example: Example) -> list[tuple[tuple[int, int], str]]:
    return [(one.span1, one.labels[0]) for one in example.targets["entities"]]


def pairs(example: Example) -> list[tuple[tuple[int, int], tuple[int, int] | None, str]]:
    return [(one.span1, one.span2, one.labels[0]) for one in example.targets["coreference"]]


def test_mentions_nest_and_pairs_are_of_entities_mentioned_twice_in_their_document(tmp_path: Path) -> None:
    (ann, it, other), _ = read(tmp_path / "d.conllu", BANK)
    assert entities(ann) == [((0, 1), "person"), ((2, 3), "person"), ((2, 4), "animal")]
    assert pairs(ann) == [
        ((0, 1), (2, 3), "1"),
        ((0, 1), (2, 4), "0"),
        ((2, 3), (2, 4), "0"),
    ]
    # the place is mentioned once, and entity 1 of the next document is another one
    assert (entities(it)[1], pairs(it)) == (((2, 3), "place"), [])
    assert (len(entities(other)), pairs(other)) == (2, [])
    assert [word.upos for word in ann.words] == ["NOUN"] * 4


@pytest.mark.parametrize(
    ("entity", "message"),
    [
        ("9)", r"d.conllu:3: 9\) closes a mention that is not open"),
        ("(9-person", "d.conllu:3: the mention of entity 9 is not closed"),
    ],
)
def test_brackets_that_do_not_match_are_named_with_their_line(
    tmp_path: Path, entity: str, message: str
) -> None:
    with pytest.raises(CorpusError, match=message):
        read(tmp_path / "d.conllu", sentence("d-1", ("a", ""), ("b", entity)))


def test_pieces_of_a_mention_are_counted(tmp_path: Path) -> None:
    words = (("a", "(4[1/2]-person-x)"), ("b", ""), ("c", "(4[2/2]-person-x)"))
    (example,), reading = read(tmp_path / "d.conllu", sentence("d-1", *words))
    assert entities(example) == []
    assert "2 pieces of mentions in several pieces skipped" in str(reading.report)


def corpus(folder: Path) -> Path:
    (folder / "gum" / "dep").mkdir(parents=True)
    for name, text in (("d", ANN + IT), ("e", OTHER)):
        (folder / "gum" / "dep" / f"{name}.conllu").write_text(f"# newdoc id = {name}\n{text}")
    (folder / "gum" / "coref").mkdir()
    (folder / "gum" / "coref" / "d.conllu").write_text("no treebank")
    with tarfile.open(folder / "gum.tar.gz", "w:gz") as archive:
        for file in sorted((folder / "gum").rglob("*.conllu")):
            archive.add(file, file.relative_to(folder / "gum"))
    (folder / "splits.md").write_text("# Splits\n\n## train\n\n  * d\n\n## dev\n\n  * e\n")
    return folder


@pytest.mark.parametrize("name", ["gum", "gum.tar.gz"])
def test_the_corpus_as_folder_or_archive_and_its_splits(tmp_path: Path, name: str) -> None:
    path = corpus(tmp_path) / name
    assert [one.source_id for one in read(path)[0]] == ["d-1", "d-2", "e-1"]
    assert [one.source_id for one in read(path, split="train")[0]] == ["d-1", "d-2"]
    assert [one.source_id for one in read(path, split="dev")[0]] == ["e-1"]
    with pytest.raises(CorpusError, match=r'split = "test": .*splits\.md lists no documents'):
        read(path, split="test")


def test_a_split_without_its_list_and_an_archive_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=r'split = "dev": no splits\.md in .* or beside it'):
        read(tmp_path / "d.conllu", BANK, split="dev")
    (tmp_path / "gum.tar.gz").write_text("no archive")
    with pytest.raises(CorpusError, match="can not be read as an archive"):
        read(tmp_path / "gum.tar.gz")
    (tmp_path / "empty").mkdir()
    with pytest.raises(CorpusError, match="holds no file of this format"):
        read(tmp_path / "empty")


@pytest.mark.data
@pytest.mark.skipif("ACTSTORE_DATA" not in os.environ, reason="ACTSTORE_DATA is not set")
def test_the_released_documents_counted_anew() -> None:
    path = Path(os.environ["ACTSTORE_DATA"], "gum", "gum-open.tar.gz")
    counted: Counter[str] = Counter()
    with tarfile.open(path) as archive:
        for member in archive.getmembers():
            if member.name.startswith("dep/") and (file := archive.extractfile(member)) is not None:
                text = file.read().decode()
                counted.update(re.findall(r"\(\d+-([a-z]+)-", "\n".join(re.findall(r"Entity=[^|\n]*", text))))
    found = {split: read(path, split=split, trees=True)[0] for split in ("train", "dev", "test")}
    kinds = Counter(label for part in found.values() for one in part for _, label in entities(one))
    assert kinds == counted
    # the counts of the data's own page
    assert [len(part) for part in found.values()] == [3303, 341, 419]
    assert [sum(len(one.words) for one in part) for part in found.values()] == [69935, 8383, 8897]
    assert [sum(len(entities(one)) for one in part) for part in found.values()] == [20550, 2354, 2623]
    assert all(a < b for part in found.values() for one in part for a, b, _ in pairs(one) if b)
