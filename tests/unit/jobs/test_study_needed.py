"""Which runs a study needs, which pairs it compares, and what it asks that is not there yet."""

from pathlib import Path

import pytest

from analyses.similarity.pairs import resolve_pairs
from jobs.study import NeededRun, load_study, needed_runs, not_yet

STUDIES = Path(__file__).parents[3] / "studies"
BASE = """
store = "s"
[[checkpoint]]
name = "base"
model = "x"
[[checkpoint]]
name = "a"
model = "x"
base = "base"
[[checkpoint]]
name = "b"
model = "x"
[[corpus]]
name = "one"
path = "one.txt"
format = "text"
[[corpus]]
name = "two"
path = "two.txt"
format = "text"
"""
SIMILARITY = '[[similarity]]\nname = "f"\nmeasures = ["rsa"]\ncorpora = ["one"]\n'
SPLITS = 'train = "one"\ndev = "two"\n'


def study_of(tmp_path, text):
    file = tmp_path / "s.toml"
    file.write_text(BASE + text, encoding="utf-8")
    return load_study(file, env={})


def asked(study) -> dict[tuple[str, str], tuple[str, ...]]:
    return {(run.checkpoint, run.corpus): run.analyses for run in needed_runs(study)}


ALL = [(checkpoint, corpus) for checkpoint in ("base", "a", "b") for corpus in ("one", "two")]


def test_without_analyses_everything_runs(tmp_path):
    assert asked(study_of(tmp_path, "")) == dict.fromkeys(ALL, ())
    assert asked(study_of(tmp_path, '[extract]\npairs = "needed"\n')) == {}


def test_with_an_analysis_only_what_it_names_runs(tmp_path):
    study = study_of(tmp_path, SIMILARITY + "[extract]\nsites = ['L00', 'L03']\n")
    assert needed_runs(study) == [
        NeededRun(checkpoint=name, corpus="one", sites=("L00", "L03"), analyses=("similarity/f",))
        for name in ("base", "a")
    ]


def test_all_pairs_of_extract_keep_who_asks(tmp_path):
    found = asked(study_of(tmp_path, SIMILARITY + '[extract]\npairs = "all"\n'))
    assert list(found) == ALL
    assert found["base", "one"] == ("similarity/f",)
    assert found["b", "two"] == ()


def test_analyses_are_united(tmp_path):
    text = (
        SIMILARITY
        + 'pairs = [["a", "b"]]\n[[drift]]\nname = "d"\ncorpora = ["one", "two"]\n'
        + f'[edge_tasks.pos]\n{SPLITS}test = "two"\nlabels = "upos"\n'
        + '[[edge_probe]]\nname = "e"\ntasks = ["pos"]\ncheckpoints = ["b"]\n'
        + f'[[word_probe]]\nname = "w"\n{SPLITS}test = "two"\ncheckpoints = ["base"]\n'
    )
    assert asked(study_of(tmp_path, text)) == {
        ("base", "one"): ("drift/d", "word_probe/w"),
        ("base", "two"): ("drift/d", "word_probe/w"),
        ("a", "one"): ("similarity/f", "drift/d"),
        ("a", "two"): ("drift/d",),
        ("b", "one"): ("similarity/f", "edge_probe/e"),
        ("b", "two"): ("edge_probe/e",),
    }


@pytest.mark.parametrize(("kind", "runs"), [("freeze", 2), ("truncate-frozen", 2), ("truncate", 0)])
def test_ablations_read_the_base_only_where_layers_are_frozen(tmp_path, kind, runs):
    text = f'[[ablation]]\nname = "x"\nkind = "{kind}"\ntask = "dep"\nbase = "base"\n{SPLITS}'
    assert len(needed_runs(study_of(tmp_path, text))) == runs


def test_checkpoints_that_the_study_trains_are_pairs_too(tmp_path):
    study = study_of(tmp_path, f'[[finetune]]\nname = "t{{seed}}"\ntask = "dep"\nbase = "b"\n{SPLITS}')
    assert resolve_pairs("base", study.bases) == (("base", "a"), ("b", "t0"))


FINETUNE = f'[[finetune]]\nname = "t{{seed}}"\ntask = "dep"\nbase = "b"\n{SPLITS}'


def test_what_is_only_trained_on_is_not_extracted_and_scores_read_the_last_layer(tmp_path):
    study = study_of(tmp_path, FINETUNE + "seeds = [0, 1]\nsave_steps = [5]\n")
    wanted = [("t0-step5", "two"), ("t0", "two"), ("t1-step5", "two"), ("t1", "two")]
    assert [(run.checkpoint, run.corpus) for run in needed_runs(study)] == wanted
    assert {run.sites for run in needed_runs(study)} == {"last"}
    assert {run.analyses for run in needed_runs(study)} == {("task_score/t{seed}",)}
    everything = asked(study_of(tmp_path, FINETUNE + '[extract]\npairs = "all"\n'))
    assert {corpus for _, corpus in everything} == {"two"}


def test_layers_chosen_by_hand_are_stored_beside_the_one_that_scores_read(tmp_path):
    text = FINETUNE + SIMILARITY.replace('["one"]', '["two"]')
    sites = {run.checkpoint: run.sites for run in needed_runs(study_of(tmp_path, text))}
    assert sites["t0"] == "all"
    chosen = needed_runs(study_of(tmp_path, text + '[extract]\nsites = ["L00"]\n'))
    assert [run.sites for run in chosen if run.checkpoint == "t0"] == [("L00",), "last"]


def test_masked_tokens_are_not_scored_from_the_store(tmp_path):
    text = FINETUNE.replace('"dep"', '"mlm"')
    study = study_of(tmp_path, text)
    assert needed_runs(study) == []
    assert study.bases["t0"] is None  # from random weights: there is nothing to compare it with


def test_what_is_not_there_yet_is_told_by_name(tmp_path):
    text = (
        SIMILARITY.replace('["rsa"]', '["rsa", "cka"]')
        + 'kernel = "rbf"\nunit = "word"\n'
        + '[[drift]]\nname = "d"\ncorpora = ["one"]\n'
        + f'[[word_probe]]\nname = "w"\n{SPLITS}test = "two"\ncheckpoints = ["base"]\n'
    )
    assert not_yet(study_of(tmp_path, text)) == []
    later = SIMILARITY + '[[corpus]]\nname = "table"\npath = "table.parquet"\nformat = "parquet"\n'
    (problem,) = not_yet(study_of(tmp_path, later))
    assert problem.startswith('[[corpus]] "table": format = "parquet"')
    assert problem.endswith("can not be read yet")


@pytest.mark.parametrize(
    ("name", "corpora"),
    [("quickstart", ["python-docs", "ray-docstrings"]), ("domains", ["wikitext2", "ewt-dev"])],
)
def test_the_studies_of_the_project_run_in_this_version(name, corpora):
    study = load_study(STUDIES / f"{name}.toml", env={"ACTSTORE_DATA": "/data"})
    assert not_yet(study) == []
    found = asked(study)
    assert list(found) == [
        (checkpoint, corpus) for checkpoint in ("base", "sre", "random") for corpus in corpora
    ]
    assert len(set(found.values())) == 1
    assert resolve_pairs(study.similarity[0].pairs, study.bases) == (("base", "sre"), ("base", "random"))
    assert study.checkpoint("base").local_path == STUDIES.parent / "models" / "all-MiniLM-L6-v2"
    assert study.checkpoint("random").init == "random"
