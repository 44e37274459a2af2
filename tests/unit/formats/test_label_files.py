"""Label files over a treebank: PropBank, SPR2, IOB2, CoNLL-U and edges find their sentences, or say why."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from actstore.errors import CorpusError
from actstore.formats.label_files import read_label_file
from actstore.formats.label_options import LabelOptions
from actstore.formats.options import ReadOptions
from actstore.formats.registry import read_examples
from actstore.formats.report import Tally
from actstore.schema.text import Example, Target, Word
from tests.support import skeletons

Found = dict[int, tuple[Target, ...]]


@pytest.fixture
def examples(tmp_path: Path) -> list[Example]:
    path = tmp_path / "bank.conllu"
    path.write_text(skeletons.treebank(), encoding="utf-8")
    return list(read_examples(ReadOptions(format="conllu", path=str(path))).examples)


def found_in(
    path: Path, examples: list[Example], format: str, set: str, *, limited: bool = False
) -> tuple[Found, list[str]]:
    tally = Tally()
    options = LabelOptions(name=set, path=str(path), format=format, set=set, limited=limited)
    found = dict(read_label_file(options, examples, tally))
    return found, tally.report().remarks()


def spans(targets: tuple[Target, ...]) -> list[tuple[object, ...]]:
    return [(one.span1, *([one.span2] if one.span2 else []), *one.labels) for one in targets]


def test_roles_and_constituents_of_skeletons(tmp_path: Path, examples: list[Example]) -> None:
    roles, _ = found_in(skeletons.write(tmp_path), examples, "propbank", "srl")
    assert list(roles) == [0]
    assert spans(roles[0]) == [
        ((3, 4), (0, 1), "ARG0"),
        ((3, 4), (2, 3), "ARGM-NEG"),
        ((3, 4), (4, 5), "ARG1"),
    ]
    assert json.loads(roles[0][0].info or "") == {"frame": 0, "roleset": "see.01"}
    brackets, _ = found_in(skeletons.write(tmp_path), examples, "propbank", "constituents")
    assert spans(brackets[0]) == [
        ((0, 5), "TOP"), ((0, 5), "S"), ((0, 1), "NP"), ((1, 5), "VP"), ((3, 5), "VP"), ((4, 5), "NP"),
    ]  # fmt: skip
    assert spans(brackets[1]) == [((0, 1), "TOP"), ((0, 1), "NP")]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda text: text.replace("(NP*)))))", "(NP*))))))"),
            r"gold_skel:5: a bracket closes that is not open",
        ),
        (lambda text: text.replace("(NP*)))))", "(NP*))))"), r"gold_skel:1: \(TOP is not closed"),
        (lambda text: text.replace("(NP*)))))", "NP*"), r"gold_skel:5: column 6 is 'NP\*'"),
        (lambda text: text.replace("(ARGM-NEG*)", ""), "gold_skel:3: 8 columns; the lines of a sentence"),
        (lambda text: text.replace("see.01", "-"), "gold_skel:1: 0 predicates, 1 columns of roles"),
        (lambda text: text.replace(skeletons.DOCUMENT, "doc"), "gold_skel:1: no .../genre/folder/document"),
    ],
)
def test_trees_that_are_no_trees_are_named(
    tmp_path: Path, examples: list[Example], change: Callable[[str], str], message: str
) -> None:
    path = skeletons.write(tmp_path, change(skeletons.skeleton()))
    name = "constituents" if "gold_skel:5" in message or "TOP" in message else "srl"
    with pytest.raises(CorpusError, match=message):
        found_in(path, examples, "propbank", name)


def test_sentences_of_other_lengths_are_left_out_and_counted(tmp_path: Path, examples: list[Example]) -> None:
    path = skeletons.write(tmp_path)
    shorter = Example(source_id=examples[0].source_id, text="Ann", words=examples[0].words[:1])
    more = Example(source_id="blog-doc-0009", text="Ann", words=examples[0].words[:1])
    found, remarks = found_in(path, [shorter, more], "propbank", "constituents")
    assert found == {}
    assert remarks == [
        "1 sentences that have other words in the corpus skipped (sentence blog-doc-0001)",
        "1 sentences of the corpus that the file has not",
        "1 sentences of the file outside the corpus",
    ]
    with pytest.raises(CorpusError, match="none of its 2 sentences is in the corpus"):
        found_in(path, [more], "propbank", "srl")


HEADER = "\t".join([
    "Dataset", "Split", "Sentence.ID", "Pred.Token", "Arg.Phrase", "Arg.Tokens.Begin", "Arg.Tokens.End",
    "Property", "Response", "Applicable",
])  # fmt: skip


def rating(*, begin: int = 0, phrase: str = "ann", property: str = "volition", answer: str = "5",
           applies: str = "yes", id: str = "1") -> str:  # fmt: skip
    where = f"en-ud-train.conllu {id}"
    return "\t".join(["b", "train", where, "3", phrase, str(begin), str(begin), property, answer, applies])


def write_spr(tmp_path: Path, *ratings: str) -> Path:
    path = tmp_path / "protoroles_eng_ud1.2.tsv"
    path.write_text("\n".join([HEADER, *ratings, ""]), encoding="utf-8")
    ids = {f"ewt-train-{i}": {"sentence_id": f"blog-doc-{i:04d}"} for i in (1, 7)}
    (tmp_path / "ud_ids.json.gz").write_bytes(gzip.compress(json.dumps(ids).encode()))
    return path


def test_ratings_are_averaged_and_those_above_the_middle_are_labels(
    tmp_path: Path, examples: list[Example]
) -> None:
    path = write_spr(
        tmp_path,
        rating(answer="3"), rating(answer="4"),  # 3.5
        rating(property="awareness", answer="5"), rating(property="awareness", answer="5", applies="no"),  # 3
        rating(property="sentient", answer="nan"), rating(property="sentient"),
        rating(begin=4, phrase="it", answer="2"),
        rating(begin=1, phrase="did"),  # the corpus has "does" there
        rating(id="7"),
    )  # fmt: skip
    found, remarks = found_in(path, examples, "spr2", "spr")
    assert spans(found[0]) == [((3, 4), (0, 1), "sentient", "volition"), ((3, 4), (4, 5))]
    means = json.loads(found[0][0].info or "")["mean_answer"]
    assert means == {"awareness": 3.0, "sentient": 5.0, "volition": 3.5}
    assert remarks == [
        "1 arguments that have other words in the corpus skipped (line 9)",
        "1 rated sentences outside the corpus",
    ]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (rating(id="5"), "tsv:2: 'en-ud-train.conllu 5' is not in ud_ids.json"),
        (rating(answer="high"), "tsv:2: could not convert"),
        ("a\tb", "tsv:2: 2 columns; the header has 10"),
    ],
)
def test_bad_ratings_are_named(tmp_path: Path, examples: list[Example], line: str, message: str) -> None:
    with pytest.raises(CorpusError, match=message):
        found_in(write_spr(tmp_path, line), examples, "spr2", "spr")


def test_ratings_need_the_file_of_sentence_ids(tmp_path: Path, examples: list[Example]) -> None:
    path = write_spr(tmp_path, rating())
    (tmp_path / "ud_ids.json.gz").unlink()
    with pytest.raises(CorpusError, match=r"no ud_ids\.json\.gz or ud_ids\.json beside"):
        found_in(path, examples, "spr2", "spr")


TAGGED = "# sent_id = blog-doc-0001\n1\tAnn\tB-PER\n2\tdoes\tO\n3\tnot\tO\n4\tsee\tO\n5\tit\tO\n\n"
RAIN = "1\tRain\tB-ORG\n\n"
ORDERED = TAGGED.split("\n", 1)[1]


def iob(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "names.iob2"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("text", [TAGGED, ORDERED + RAIN.replace("B-ORG", "O")])
def test_entities_by_id_or_by_order(tmp_path: Path, examples: list[Example], text: str) -> None:
    found, _ = found_in(iob(tmp_path, text), examples, "iob2", "entities")
    assert {number: spans(targets) for number, targets in found.items()} == {0: [((0, 1), "PER")]}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (ORDERED, "names.iob2:1: the file has 1 sentences, the corpus 2; without ids"),
        (ORDERED + RAIN + RAIN, "names.iob2:9: the file has 3 sentences, the corpus 2"),
        (RAIN + ORDERED, "names.iob2:1: sentence 1 of the file has other words than example 0"),
        (
            TAGGED + "# sent_id = blog-doc-0005\n" + RAIN,
            "names.iob2:8: sentence 'blog-doc-0005' is not in the",
        ),
        (TAGGED + RAIN, "names.iob2:8: a sentence without sent_id beside others"),
    ],
)
def test_mismatched_sentences_are_named(
    tmp_path: Path, examples: list[Example], text: str, message: str
) -> None:
    with pytest.raises(CorpusError, match=message):
        found_in(iob(tmp_path, text), examples, "iob2", "entities")


def test_a_limited_corpus_may_have_fewer_sentences_than_its_label_file(
    tmp_path: Path, examples: list[Example]
) -> None:
    for text in (TAGGED + "# sent_id = blog-doc-0002\n" + RAIN, ORDERED + RAIN):
        found, remarks = found_in(iob(tmp_path, text), examples[:1], "iob2", "entities", limited=True)
        assert list(found) == [0]
        assert remarks == ["1 sentences of the file outside the corpus"]


def test_tags_and_relations_of_another_treebank(tmp_path: Path, examples: list[Example]) -> None:
    path = tmp_path / "other.conllu"
    path.write_text(skeletons.treebank().replace("\tX\t", "\tY\t"), encoding="utf-8")
    tags, _ = found_in(path, examples, "conllu", "upos")
    assert [len(tags[0]), len(tags[1]), spans(tags[1])] == [5, 1, [((0, 1), "Y")]]
    relations, _ = found_in(path, examples, "conllu", "deprel")
    assert spans(relations[0])[:2] == [((0, 1), (0, 1), "root"), ((1, 2), (0, 1), "dep")]


def edges(tmp_path: Path, *records: dict[str, object]) -> Path:
    path = tmp_path / "e.jsonl"
    target = {"span1": [0, 1], "label": "x"}
    lines = [json.dumps({"targets": [target], **one}) for one in records]
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def test_records_of_edges_go_to_the_next_example_of_their_words(tmp_path: Path) -> None:
    words = "a b a a".split()
    corpus = [Example(source_id=f"s{i}", text=word, words=(one_word(word),)) for i, word in enumerate(words)]
    found, _ = found_in(edges(tmp_path, {"text": "b"}, {"text": " a "}), corpus, "edges", "")
    assert list(found) == [1, 2]
    named = [{"text": "a", "info": {"source_id": f"s{i}"}} for i in (0, 3)]
    assert list(found_in(edges(tmp_path, *named), corpus, "edges", "")[0]) == [0, 3]
    twice, _ = found_in(edges(tmp_path, {"text": "b"}, {"text": "a"}, {"text": "a"}), corpus, "edges", "")
    assert list(twice) == [1, 2, 3]


def one_word(word: str) -> Word:
    return Word(segment=0, char_start=0, char_end=len(word), text=word)


def test_records_that_the_corpus_has_not(tmp_path: Path, examples: list[Example]) -> None:
    rain, snow = {"text": "Rain"}, {"text": "Snow"}
    with pytest.raises(CorpusError, match=r"e.jsonl:2: 'Snow' is not among the 2 examples"):
        found_in(edges(tmp_path, rain, snow), examples, "edges", "")
    wrong = {"text": "Rain", "info": {"source_id": "blog-doc-0001"}}
    with pytest.raises(CorpusError, match=r"e.jsonl:1: 'Rain' is not among"):
        found_in(edges(tmp_path, wrong), examples, "edges", "")
    found, remarks = found_in(edges(tmp_path, rain, snow), examples, "edges", "", limited=True)
    assert (list(found), len(remarks)) == ([1], 1)
