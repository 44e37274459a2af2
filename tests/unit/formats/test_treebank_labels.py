"""Roles, constituents and proto-roles of the English Web Treebank: the released files counted anew."""

import csv
import io
import os
import re
import tarfile
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

from actstore.formats.label_files import read_label_file
from actstore.formats.label_options import LabelOptions
from actstore.formats.options import ReadOptions
from actstore.formats.registry import read_examples
from actstore.formats.report import Tally
from actstore.schema.text import Example, Target

pytestmark = [
    pytest.mark.data,
    pytest.mark.skipif("ACTSTORE_DATA" not in os.environ, reason="ACTSTORE_DATA is not set"),
]


def data(*parts: str) -> Path:
    return Path(os.environ["ACTSTORE_DATA"], *parts)


@cache
def corpus(part: str) -> tuple[Example, ...]:
    path = str(data("ud_ewt", f"en_ewt-ud-{part}.conllu"))
    return tuple(read_examples(ReadOptions(format="conllu", path=path, trees=True)).examples)


def labels(part: str, format: str, set: str, *file: str) -> dict[int, tuple[Target, ...]]:
    options = LabelOptions(name=set, path=str(data(*file)), format=format, set=set)
    return dict(read_label_file(options, corpus(part), Tally()))


@cache
def skeleton_lines() -> dict[str, list[list[str]]]:
    """Rows of each sentence by document and number, by splitting and nothing else."""
    found: dict[str, list[list[str]]] = {}
    with tarfile.open(data("propbank_ewt", "ewt-gold_skel.tar.gz")) as archive:
        for member in archive:
            file = archive.extractfile(member)
            for line in (file.read().decode() if file else "").split("\n"):
                columns = line.split()
                if columns:
                    _, _, genre, _, document = columns[0].split("/")
                    key = f"{genre}-{document[:-4]}-{int(columns[1]) + 1:04d}"
                    found.setdefault(key, []).append(columns)
    return found


@pytest.mark.parametrize(("part", "n_arguments", "n_predicates"), [("dev", 9583, 4963)])
def test_roles_and_constituents(part: str, n_arguments: int, n_predicates: int) -> None:
    file = ("propbank_ewt", "ewt-gold_skel.tar.gz")
    found = [labels(part, "propbank", name, *file) for name in ("srl", "constituents")]
    sentences = {one.source_id: len(one.words) for one in corpus(part)}
    rows = [rows for key, rows in skeleton_lines().items() if sentences.get(key) == len(rows)]
    opened = [Counter(re.findall(r"\(([^()*]+)", row[column])) for one in rows for row in one
              for column in range(8, len(row))]  # fmt: skip
    counted = sum(opened, Counter())
    assert counted.pop("V") == n_predicates
    roles = Counter(label for targets in found[0].values() for one in targets for label in one.labels)
    assert roles == counted
    assert roles.total() == n_arguments
    brackets = sum((Counter(re.findall(r"\(([^()*]+)", row[5])) for one in rows for row in one), Counter())
    assert Counter(x for targets in found[1].values() for one in targets for x in one.labels) == brackets
    inside = [(a, b, len(corpus(part)[i].words)) for i, targets in found[1].items() for a, b in [
        one.span1 for one in targets]]  # fmt: skip
    assert all(0 <= a < b <= n for a, b, n in inside)


@pytest.mark.parametrize(("part", "n_pairs", "n_sentences"), [("test", 580, 275)])
def test_proto_roles(part: str, n_pairs: int, n_sentences: int) -> None:
    found = labels(part, "spr2", "spr", "spr2_ewt", "protoroles_eng_udewt.tar.gz")
    # 632 and 582 pairs of 291 and 276 sentences less those whose words are others today
    assert (sum(map(len, found.values())), len(found)) == (n_pairs, n_sentences)
    with tarfile.open(data("spr2_ewt", "protoroles_eng_udewt.tar.gz")) as archive:
        file = archive.extractfile("protoroles_eng_ud1.2_11082016.tsv")
        text = file.read().decode() if file else ""
    ratings = csv.DictReader(io.StringIO(text), delimiter="\t", quoting=csv.QUOTE_NONE)
    split = [row for row in ratings if row["Sentence.ID"].startswith(f"en-ud-{part}.")]
    assert len({row["Sentence.ID"] for row in split}) == {"dev": 291, "test": 276}[part]
    properties = Counter(row["Property"] for row in split)
    assert {x for targets in found.values() for one in targets for x in one.labels} <= set(properties)
    # one property anew, with the mean as a fraction
    answers: dict[tuple[str, ...], list[int]] = {}
    for row in split:
        if row["Property"] == "awareness":
            key = tuple(
                row[name] for name in ("Sentence.ID", "Pred.Token", "Arg.Tokens.Begin", "Arg.Tokens.End")
            )
            answers.setdefault(key, []).append(int(row["Response"]) if row["Applicable"] == "yes" else 1)
    positive = sum(sum(given) > 3 * len(given) for given in answers.values())
    n_found = sum("awareness" in one.labels for targets in found.values() for one in targets)
    assert 0 <= positive - n_found <= len(answers) - n_pairs
