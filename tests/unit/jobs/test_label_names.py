"""Label sets that a study names: a corpus has to have them; label files say their format and set."""

from pathlib import Path

import pytest

from actstore.errors import StudyError
from actstore.formats.label_options import LabelOptions
from jobs.study.label_names import label_problems, tree_corpora
from jobs.study.later import not_yet
from jobs.study.load import load_study
from jobs.study.study import Study

CORPORA = """
store = "s"
[[checkpoint]]
name = "base"
model = "./m"
[[corpus]]
name = "bank"
path = "b.conllu"
format = "conllu"
limit = 3
[corpus.labels]
srl = { path = "p.tar.gz", format = "propbank" }
brackets = { path = "p.tar.gz", format = "propbank", set = "constituents" }
names = "n.iob2"
frames = "f.jsonl.gz"
[[corpus]]
name = "text"
path = "t.txt"
format = "text"
[[corpus]]
name = "docs"
path = "g.conllu"
format = "gum"
"""
SPLITS = 'train = "bank"\ndev = "bank"\ntest = "{}"\n'


def study(tmp_path: Path, more: str = "", corpora: str = CORPORA) -> Study:
    (tmp_path / "s.toml").write_text(corpora + more)
    return load_study(tmp_path / "s.toml")


def test_a_label_file_tells_its_format_and_set(tmp_path: Path) -> None:
    bank, text, docs = study(tmp_path).corpora
    found = {one.name: one for one in bank.label_options}
    assert found["srl"] == LabelOptions(
        name="srl", path=f"{tmp_path}/p.tar.gz", format="propbank", set="srl", limited=True
    )
    told = {name: (one.format, one.set) for name, one in found.items()}
    assert told["brackets"] == ("propbank", "constituents")
    assert told["names"] == ("iob2", "entities")
    assert told["frames"] == ("edges", "")
    assert bank.label_sets == ("upos", "xpos", "deprel", "srl", "brackets", "names", "frames")
    assert text.label_sets == ()
    assert docs.label_sets == ("upos", "xpos", "deprel", "entities", "coreference")


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ('x = "p.tar.gz"', "labels.x = .*: the file's name tells no format; write"),
        ('x = { format = "edges" }', 'key "path" is missing'),
        ('x = { path = "a.jsonl", sets = "srl" }', 'unknown key "sets"; did you mean "set"'),
        ('x = { path = "a", format = "edge" }', 'format: did you mean "edges"'),
        ('x = { path = "a.jsonl", set = 3 }', "set has to be a string"),
        (
            'x = { path = "a", format = "propbank" }',
            'labels.x: a file of format = "propbank" has the sets srl, cons',
        ),
        ('x = { path = "a", format = "spr2", set = "srl" }', 'labels.x: set = "srl"; allowed .*: spr'),
        ('upos = "a.jsonl"', "labels.upos: the name is taken"),
        ('words = "a.jsonl"', "labels.words: the name is taken"),
    ],
)
def test_label_files_that_can_not_be_read_so(tmp_path: Path, labels: str, message: str) -> None:
    with pytest.raises(StudyError, match=message):
        study(tmp_path, corpora=CORPORA.replace('names = "n.iob2"', labels))


def test_a_task_names_a_label_set_of_its_corpora(tmp_path: Path) -> None:
    tasks = f'[edge_tasks.a]\nlabels = "srl"\n{SPLITS.format("bank")}'
    assert label_problems(study(tmp_path, tasks)) == []
    tasks = f'[edge_tasks.a]\nlabels = "slr"\n{SPLITS.format("text")}'
    assert label_problems(study(tmp_path, tasks)) == [
        '[edge_tasks.a]: labels = "slr": the corpus "bank" has no such label set; did you mean "srl"? '
        "Allowed are upos, xpos, deprel, srl, brackets, names, frames",
        '[edge_tasks.a]: labels = "slr": the corpus "text" has no such label set; it has none: add a '
        "file under its labels",
    ]


def test_probes_of_words_and_trees_name_treebanks(tmp_path: Path) -> None:
    probe = 'checkpoints = ["base"]\n' + SPLITS.format("text")
    problems = label_problems(
        study(tmp_path, f'[[word_probe]]\nname = "w"\n{probe}[[structural_probe]]\nname = "s"\n{probe}')
    )
    assert problems == [
        '[[word_probe]] "w": label = "upos": the corpus "text" has no such label set; it has none: add '
        "a file under its labels",
        '[[structural_probe]] "s": test = "text" has no trees; name a corpus of format conllu or gum',
    ]


def test_trees_are_needed_by_structural_probes_and_tasks_over_relations(tmp_path: Path) -> None:
    assert tree_corpora(study(tmp_path)) == frozenset()
    task = f'[edge_tasks.a]\nlabels = "deprel"\n{SPLITS.format("docs")}'
    assert tree_corpora(study(tmp_path, task)) == {"bank", "docs"}
    probe = f'[[structural_probe]]\nname = "s"\ncheckpoints = ["base"]\n{SPLITS.format("bank")}'
    assert tree_corpora(study(tmp_path, probe)) == {"bank"}


def test_the_study_of_the_eight_tasks_names_what_its_corpora_have() -> None:
    file = Path(__file__).parents[3] / "studies" / "edge_tasks.toml"
    eight = load_study(file, env={"ACTSTORE_DATA": "/data"})
    assert list(eight.edge_tasks) == [
        "pos", "constituents", "dependencies", "entities", "srl", "coreference", "spr", "relations",
    ]  # fmt: skip
    assert label_problems(eight) == []
    assert not_yet(eight) == []
    assert tree_corpora(eight) == {"ewt-train", "ewt-dev", "ewt-test"}
