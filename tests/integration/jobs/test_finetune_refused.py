"""What can not be trained is refused by name before anything is written or trained."""

import json
import shutil

import pytest

from actstore.errors import CapacityError
from jobs.study.load import load_study
from jobs.training.plan import check_disk, plan_trainings
from tests.support.commands import ALONE, Here
from tests.support.refused import check_refused
from tests.support.studies import SmallStudy
from tests.support.tasks import block, with_tasks, write_nli
from tests.support.tiny_models import make_tiny_model

CORPORA = ("trees", "text", "nli", "qa")


WRONG = {
    "no labels": (block("mnli", "text"), "CorpusError", "'text' can not be used for task = \"mnli\""),
    "no trees": (block("dep", "text"), "CorpusError", "'text' can not be used ... it lacks heads"),
    "no answers": (block("squad", "nli"), "CorpusError", "'nli' can not be used ... it lacks answers"),
    "no trees to test on": (block("dep", "trees", test=["qa"]), "CorpusError", "'qa' can not be used for"),
    "too many frozen": (block("mnli", "nli", frozen_layers=9), "RequestError", "9; the base has 3 layers"),
    "frozen at random": (
        block("mnli", "nli", init="random", frozen_layers=0), "StudyError", "frozen_layers: random weights",
    ),
    "one name": (block("mnli", "nli", seeds=[0, 1], name="one"), "StudyError", 'seeds share the name "one"'),
    "no such corpus": (block("mnli", "nli", test=["none"]), "StudyError", 'test names the corpus "none"'),
    "no such base": (block("mnli", "nli", base="none"), "StudyError", 'base names the checkpoint "none"'),
    "name twice": (block("mnli", "nli", name="base"), "StudyError", '"base": the name is given 2 times'),
    "sizes": (block("dep", "trees") + "model = { layers = 2 }\n", "StudyError", 'is for task = "mlm"'),
    "heads": (
        block("mlm", "text") + "model = { width = 16, heads = 3 }\n",
        "RequestError", "width 16 and 3 heads; width has to be a multiple of heads",
    ),
    "positions": (
        block("mlm", "text") + "model = { positions = 8 }\n",
        "RequestError", 'has 8 positions, sequences of corpus "text" may have 64 tokens; raise positions',
    ),
    "parts": (
        block("mnli", "nli", accumulation=99), "RequestError",
        '[[finetune]] "mnli-s{seed}": accumulation = 99; allowed: at most batch_size',
    ),
    "a rate": (block("mnli", "nli", learning_rate=0.0), "StudyError", "learning_rate = 0.0"),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_refused_before_anything_is_written(here: Here, study: SmallStudy, case: str) -> None:
    text, kind, told = WRONG[case]
    made = with_tasks(study).only(["base"], CORPORA, text)
    check_refused(here("finetune", made.write(), *ALONE), told, kind=kind)
    assert not made.store.exists()


def test_strange_labels(here: Here, study: SmallStudy) -> None:
    made = with_tasks(study).corpus("pairs", path="pairs.tsv", format="pairs")
    made = made.only(["base"], ["pairs"], block("mnli", "pairs"))
    told = "corpus 'pairs' ... it has the label 'label'; allowed are entailment, neutral, contradiction"
    check_refused(here("finetune", made.write(), *ALONE), told, kind="CorpusError")
    write_nli(made.folder / "pairs.tsv", 4)
    assert not made.store.exists()


@pytest.mark.parametrize(
    ("heads", "told"),
    [
        ((2, 1), "trees.conllu:1: the heads are no tree: the heads of words 1, 2 lead in a circle"),
        ((0, 0), "words 1, 2 are roots; a tree has one"),
        ((0, "_"), "word 2 has no head"),
    ],
)
def test_a_parser_learns_from_trees(
    here: Here, study: SmallStudy, heads: tuple[object, object], told: str
) -> None:
    made = with_tasks(study).only(["base"], ["trees"], block("dep", "trees"))
    rows = [f"{at}\tthe\t_\tX\t_\t_\t{head}\tdep\t_\t_\n" for at, head in enumerate(heads, start=1)]
    (made.folder / "trees.conllu").write_text("".join(rows) + "\n")
    check_refused(here("finetune", made.write(), *ALONE), told, kind="CorpusError")
    assert not made.store.exists()


def test_what_readers_left_out_is_told(here: Here, study: SmallStudy) -> None:
    made = with_tasks(study).only(["base"], ["qa", "nli"], block("squad", "qa") + block("mnli", "nli"))
    questions = json.loads((made.folder / "qa.json").read_text())
    questions["data"][0]["paragraphs"][3]["qas"][0]["answers"] = []
    (made.folder / "qa.json").write_text(json.dumps(questions))
    with (made.folder / "nli.jsonl").open("a") as file:
        file.write(json.dumps({"sentence1": "a", "sentence2": "b", "gold_label": "-"}) + "\n")
    answer = here("finetune", made.write(), *ALONE)
    assert answer.code == 0, answer.err
    assert "corpus qa: 24 examples, 1 questions without an answer" in answer.err
    assert "corpus nli: 24 examples, 1 pairs without a majority label skipped (line 25)" in answer.err


def test_a_family_that_can_not_be_trained(here: Here, study: SmallStudy) -> None:
    made = with_tasks(study).only(["base"], ["nli"], block("mnli", "nli"))
    shutil.rmtree(made.folder / "models" / "base")
    make_tiny_model(made.folder / "models" / "base", "mpnet")
    told = "model type 'mpnet' can not be trained ... allowed are bert,"
    check_refused(here("finetune", made.write(), *ALONE), told, kind="ModelError")
    assert not made.store.exists()


def test_steps_to_save_after_the_end(here: Here, study: SmallStudy) -> None:
    made = with_tasks(study).only(["base"], ["nli"], block("mnli", "nli", save_steps=[99]))
    told = "save_steps has 99, and the training ends after 8 steps; leave it out"
    check_refused(here("finetune", made.write(), *ALONE), told, kind="RequestError")
    assert not (made.store / "checkpoints").exists()


def test_a_name_that_is_bound_to_given_weights(here: Here, study: SmallStudy) -> None:
    made = with_tasks(study)
    made.only(["tuned"], ["text"]).write()
    plain = made.only(["tuned"], ["text"]).checkpoint("tuned", base=None)
    assert here("extract", plain.write(), *ALONE).code == 0
    blocked = made.only(["base"], ["nli"], block("mnli", "nli", name="tuned"))
    told = "checkpoint 'tuned' is bound to weights that were not trained here ... rename"
    check_refused(here("finetune", blocked.write(), *ALONE), told, kind="NameTakenError")


def test_what_is_not_trained_yet_is_not_extracted(here: Here, study: SmallStudy) -> None:
    made = with_tasks(study).only(["base"], ["nli"], block("mnli", "nli"))
    told = "checkpoint 'mnli-s0' is not trained yet; run `actstore finetune"
    check_refused(here("extract", made.write(), *ALONE), told, kind="NotFoundError")
    assert not made.store.exists()


def test_a_disk_that_can_not_hold_it(study: SmallStudy) -> None:
    made = with_tasks(study).only(["base"], ["nli"], block("mnli", "nli", seeds=[0, 1], save_steps=[1]))
    plan = plan_trainings(load_study(made.write()), None)
    check_disk(plan, None, None, 2)
    check_disk(plan, None, 100_000_000, 2)
    with pytest.raises(CapacityError, match="free some"):
        check_disk(plan, None, 1_000_000, 2)
