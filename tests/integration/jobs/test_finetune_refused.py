"""What can not be trained is refused by name before anything is written or trained."""

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
