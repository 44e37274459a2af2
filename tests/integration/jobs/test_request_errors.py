"""Requests about a store that can not be answered: exit code 2, one sentence, the store as it was."""

import json
import shutil
from pathlib import Path

import pytest

from tests.support.commands import ALONE, Here
from tests.support.refused import check_refused
from tests.support.studies import SmallStudy, tree_hash

QUERY = ("query", "STORE", "--checkpoint", "base", "--corpus", "text")


@pytest.mark.parametrize(
    "words",
    [("extract", "STUDY"), ("analyse", "STUDY"), ("report", "STUDY"), ("plan", "STUDY"), ("ls", "STORE"),
     ("verify", "STORE", "--repair"), ("sql", "STORE", "SHOW TABLES"), ("gc", "STORE", "--yes"),
     QUERY, ("rm", "STORE", "base", "--yes")],
    ids=" ".join,
)  # fmt: skip
def test_a_store_of_a_newer_format(
    here: Here, study: SmallStudy, extracted: Path, words: tuple[str, ...]
) -> None:
    shutil.copytree(extracted, study.store)
    record = study.store / "actstore.json"
    record.write_text(json.dumps(json.loads(record.read_text()) | {"version": 99}))
    before = tree_hash(study.store)
    places = {"STUDY": study.write(), "STORE": study.store}
    answer = here(*(places.get(word, word) for word in words))
    check_refused(answer, "of format 99, this version reads up to ... install", kind="FormatVersionError")
    assert tree_hash(study.store) == before


@pytest.mark.parametrize(
    "words",
    [("ls", "STORE"), ("verify", "STORE"), ("sql", "STORE", "SHOW TABLES"), ("gc", "STORE"),
     QUERY, ("rm", "STORE", "base"),
     ("analyse", "STUDY"), ("report", "STUDY")],
    ids=" ".join,
)  # fmt: skip
def test_no_store(here: Here, study: SmallStudy, words: tuple[str, ...]) -> None:
    places = {"STUDY": study.write(), "STORE": study.store}
    answer = here(*(places.get(word, word) for word in words))
    check_refused(answer, "no store at ... actstore extract STUDY", kind="NotFoundError")
    assert not study.store.exists()


@pytest.mark.parametrize(
    ("words", "kind", "message"),
    [
        (("query", "STORE", "--checkpoint", "bass", "--corpus", "text"), "NotFoundError", "'bass' ... base"),
        (("query", "STORE", "--checkpoint", "base", "--corpus", "tax"), "NotFoundError", "'tax' ... text"),
        ((*QUERY, "--layer", "9"), "NotFoundError", "L09"),
        ((*QUERY, "--where", "upos = "), "RequestError", "upos ="),
        ((*QUERY, "--where", "nope = 1"), "RequestError", "nope"),
        ((*QUERY, "-o", "a.csv"), "RequestError", "-o a.csv ... allowed are .parquet, .arrow, .npz"),
        ((*QUERY, "-o", "no/a.npz"), "RequestError", "there is no folder ... make it first"),
        ((*QUERY, "--limit", "-1"), "RequestError", "limit"),
        ((*QUERY, "--run", "0123"), "NotFoundError", "0123"),
        (("sql", "STORE", "SELEKT 1"), "RequestError", "SELEKT"),
        (("sql", "STORE", "SELECT * FROM nowhere"), "RequestError", "nowhere"),
        (("sql", "STORE", "SELECT 1", "-o", "a.txt"), "RequestError", "-o a.txt ... .parquet, .arrow, .csv"),
        (("rm", "STORE", "bass"), "NotFoundError", "'bass'"),
        (("rm", "STORE", "base", "tax"), "NotFoundError", "'tax'"),
        (("verify", "STORE", "--recompute", "0"), "RequestError", "--recompute 0.0: give a share above 0"),
        (("verify", "STORE", "--recompute", "1.5"), "RequestError", "--recompute 1.5 ... up to 1"),
        (("analyse", "STUDY", "unlike"), "StudyError", "no analysis 'unlike'; it has alike"),
        (("analyse", "STUDY"), "NotFoundError", "no checkpoint 'tuned' ... base; run `actstore extract"),
        (("extract", "nowhere.toml"), "StudyError", "no study file at ... nowhere.toml"),
        (("extract", "STUDY", "--log", "no/where.log", *ALONE), "AccessError", "no/where.log ... name"),
    ],
)  # fmt: skip
def test_a_request_that_can_not_be_answered(
    here: Here, study: SmallStudy, extracted: Path, words: tuple[str, ...], kind: str, message: str,
) -> None:  # fmt: skip
    shutil.copytree(extracted, study.store)
    before = tree_hash(study.store)
    places = {"STUDY": study.write(), "STORE": study.store}
    answer = here(*(places.get(word, word) for word in words), "--json")
    check_refused(answer, message, kind=kind)
    assert answer.document["error"] == kind
    assert tree_hash(study.store) == before


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "the following arguments are required: VERB"),
        (("extrakt",), "invalid choice: 'extrakt'"),
        (("extract",), "the following arguments are required: STUDY"),
        (("extract", "s.toml", "--workers", "0"), "0 is less than 1"),
        (("extract", "s.toml", "--workers", "two"), "'two' is not a whole number"),
        (("verify", "s", "--recompute", "much"), "invalid float value: 'much'"),
        (("query", "s", "--corpus", "text"), "required: --checkpoint"),
        (("query", "s", "--checkpoint", "a", "--corpus", "b", "--unit", "line"), "invalid choice: 'line'"),
    ],
)
def test_words_that_are_no_command(here: Here, words: tuple[str, ...], message: str) -> None:
    answer = here(*words)
    assert (answer.code, answer.out) == (2, "")
    assert message in answer.err
    assert "Traceback" not in answer.err
