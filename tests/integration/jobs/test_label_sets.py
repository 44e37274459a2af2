"""Label files of a corpus, from study file to SQL: added later, nothing is rewritten and no model is run."""

import json
from pathlib import Path

import pytest

import actstore
from tests.support.commands import ALONE, Here
from tests.support.refused import check_refused
from tests.support.studies import SmallStudy, sentence, tree_hash


def record(number: int, *targets: dict[str, object]) -> str:
    return json.dumps({"text": sentence(number), "targets": list(targets)})


def roles(study: SmallStudy, *records: str) -> SmallStudy:
    (study.folder / "srl.jsonl").write_text("".join(f"{line}\n" for line in records), encoding="utf-8")
    corpus = '[[corpus]]\nname = "trees"\npath = "trees.conllu"\nformat = "conllu"\nmax_length = 64\n'
    return study.only(["base"], [], corpus + 'labels = { srl = "srl.jsonl" }\n')


AGENT = {"span1": [1, 2], "span2": [0, 1], "label": "ARG0"}
PATIENT = {"span1": [1, 2], "span2": [2, 3], "label": "ARG1", "info": {"sure": True}}
SECOND = {"span1": [0, 1], "span2": [1, 3], "label": "R-ARG1"}


def test_a_label_file_added_later(here: Here, study: SmallStudy) -> None:
    assert here("extract", study.only(["base"], ["trees"]).write(), *ALONE).code == 0
    before = tree_hash(study.store)
    file = roles(study, record(0, AGENT, PATIENT), record(0, SECOND), record(7, AGENT)).write()
    answer = here("extract", file, "--json", *ALONE)
    assert answer.code == 0, answer.err
    assert "label set srl of trees: 4 targets in 2 examples, 3 labels" in answer.err
    assert "10 examples of the corpus that the file has no targets for, 4 of them after" in answer.err
    assert "no model was run" in answer.err
    after = tree_hash(study.store)
    assert {name: after[name] for name in before} == before
    new = sorted(name for name in set(after) - set(before) if after[name])
    assert [Path(name).parent.name for name in new] == ["about", "labels", "labels"]
    store = actstore.open(study.store)
    rows = store.sql(
        "SELECT example, target, span1_start, span2_start, span2_end, label, info FROM labels "
        "WHERE label_set = 'srl' AND corpus = 'trees' ORDER BY example, target"
    ).to_pylist()
    assert [tuple(row.values()) for row in rows] == [
        (0, 0, 1, 0, 1, "ARG0", None),
        (0, 1, 1, 2, 3, "ARG1", '{"sure":true}'),
        (0, 2, 0, 1, 3, "R-ARG1", None),
        (7, 0, 1, 0, 1, "ARG0", None),
    ]
    listed = here("ls", study.store, "--json")
    (shown,) = json.loads(listed.out)["labels"]
    assert (shown["corpus"], shown["label_set"], shown["n_targets"]) == ("trees", "srl", 4)
    assert here("verify", study.store).code == 0
    assert here("extract", file, *ALONE).code == 0
    assert tree_hash(study.store) == after


def test_a_changed_file_takes_the_name_and_the_old_set_stays(here: Here, study: SmallStudy) -> None:
    for role in ("ARG0", "ARG2"):
        file = roles(study, record(3, AGENT | {"label": role})).write()
        assert here("extract", file, *ALONE).code == 0
    shown = actstore.open(study.store).sql("SELECT label FROM labels WHERE label_set = 'srl'")
    assert shown.column("label").to_pylist() == ["ARG2"]
    assert len(list(study.store.glob("texts/*/labels/srl-*.parquet"))) == 2


@pytest.mark.parametrize("damage", ["parquet", "json", "gone"])
def test_a_damaged_label_set_is_found_and_read_again(here: Here, study: SmallStudy, damage: str) -> None:
    file = roles(study, record(3, AGENT)).write()
    assert here("extract", file, *ALONE).code == 0
    before = tree_hash(study.store)
    suffix = "json" if damage == "json" else "parquet"
    (path,) = study.store.glob(f"texts/*/labels/srl-*.{suffix}")
    if damage == "gone":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:-20])
    answer = here("verify", study.store)
    assert answer.code == 1
    assert path.name in answer.out + answer.err
    here("verify", study.store, "--repair")
    answer = here("extract", file, *ALONE)
    assert (answer.code, "no model was run" in answer.err) == (0, True)
    assert tree_hash(study.store) == before
    assert here("verify", study.store).code == 0


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (
            [record(0, AGENT | {"span2": [2, 99]})],
            "srl.jsonl:1: targets[0].span2 is [2, 99], outside ... 3 words",
        ),
        ([record(0, AGENT), record(1, AGENT | {"span2": [1, 1]})], "srl.jsonl:2: targets[0].span2 is [1, 1]"),
        (["{"], "srl.jsonl:1: no JSON"),
        ([record(0)], "srl.jsonl: no targets ... 1 records without targets skipped (line 1)"),
        ([record(99, AGENT)], "srl.jsonl:1: ... is not among the 12 examples"),
        ([record(5, AGENT), record(4, AGENT)], "srl.jsonl:2: ... not after the record before it"),
    ],
)
def test_bad_label_files_are_refused_before_anything_is_written(
    here: Here, study: SmallStudy, lines: list[str], message: str
) -> None:
    file = roles(study, *lines).write()
    for verb in ("plan", "extract"):
        check_refused(here(verb, file), message, kind="CorpusError")
    assert not study.store.exists()


SPLITS = 'train = "trees"\ndev = "trees"\ntest = "trees"\n'


def task(study: SmallStudy, labels: str) -> SmallStudy:
    return study.only(["base"], ["trees"], f'[edge_tasks.one]\nlabels = "{labels}"\n{SPLITS}')


@pytest.mark.parametrize(
    ("labels", "kind", "message"),
    [
        ("deprel", "CorpusError", "trees.conllu:1: the heads are no tree: ... words 1, 2 lead in a circle"),
        ("xpos", "CorpusError", '[edge_tasks.one]: train = "trees" has no targets in its label set "xpos"'),
        ("srl", "StudyError", 'the corpus "trees" has no such label set; ... upos, xpos, deprel'),
    ],
)
def test_tasks_without_what_they_need_are_refused(
    here: Here, study: SmallStudy, labels: str, kind: str, message: str
) -> None:
    path = study.folder / "trees.conllu"
    rows = path.read_text().split("\n")
    rows[2] = rows[2].replace("\t0\troot", "\t2\tdep")
    path.write_text("\n".join(rows))
    check_refused(here("extract", task(study, labels).write(), *ALONE), message, kind=kind)
    assert not study.store.exists()


def test_a_set_with_one_label_is_refused_before_anything_is_written(here: Here, study: SmallStudy) -> None:
    for file, labels in (("one.jsonl", [AGENT]), ("two.jsonl", [AGENT, PATIENT])):
        (study.folder / file).write_text(f"{record(1, *labels)}\n")
    corpora = "".join(
        f'[[corpus]]\nname = "{name}"\npath = "{name}.jsonl"\nformat = "edges"\nmax_length = 64\n'
        for name in ("one", "two")
    )
    probe = '[edge_tasks.told]\nlabels = "edges"\ntrain = "one"\ndev = "one"\n'
    alone, other = (study.only(["base"], [], f'{corpora}{probe}test = "{test}"\n') for test in ("one", "two"))
    message = "[edge_tasks.told]: the label set \"edges\" has one label, 'ARG0', in all splits"
    for verb in ("plan", "extract"):
        check_refused(here(verb, alone.write()), message, kind="CorpusError")
    assert not study.store.exists()
    assert here("plan", other.write()).code == 0


def test_labels_that_training_has_not_are_told(here: Here, study: SmallStudy) -> None:
    records = {"train": [record(1, AGENT)], "dev": [record(2, AGENT, PATIENT), record(3, SECOND)]}
    corpora = ""
    for name, lines in records.items():
        (study.folder / f"{name}.jsonl").write_text("\n".join(lines))
        corpora += f'[[corpus]]\nname = "{name}"\npath = "{name}.jsonl"\nformat = "edges"\nmax_length = 64\n'
    one = '[edge_tasks.one]\nlabels = "edges"\ntrain = "train"\ndev = "dev"\ntest = "train"\n'
    answer = here("plan", study.only(["base"], [], corpora + one).write())
    assert answer.code == 0
    told = '[edge_tasks.one]: dev has 2 of 3 labels "edges" that training has not: ARG1 (1), R-ARG1 (1)'
    assert told in answer.err


def test_heads_that_are_no_tree_matter_only_where_trees_are_read(here: Here, study: SmallStudy) -> None:
    path = study.folder / "trees.conllu"
    path.write_text(path.read_text().replace("\t0\troot", "\t2\tdep", 1))
    assert here("extract", task(study, "upos").write(), *ALONE).code == 0


def test_a_corpus_of_records_has_its_own_label_set(here: Here, study: SmallStudy) -> None:
    (study.folder / "own.jsonl").write_text(f"{record(1, AGENT)}\n{record(1, SECOND)}\n{record(2, AGENT)}\n")
    corpus = '[[corpus]]\nname = "own"\npath = "own.jsonl"\nformat = "edges"\nmax_length = 64\n'
    assert here("extract", study.only(["base"], [], corpus).write(), *ALONE).code == 0
    found = actstore.open(study.store).sql(
        "SELECT example, count(*) FROM labels WHERE label_set = 'edges' GROUP BY 1"
    )
    assert sorted(tuple(row.values()) for row in found.to_pylist()) == [(0, 2), (1, 1)]
