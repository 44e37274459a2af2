"""`run` trains, registers, extracts and scores from the store; what is there is skipped."""

from pathlib import Path

import pytest

import actstore
from actstore.store import names
from actstore.store.root import open_root
from actstore.store.trained import find_trained, folder_of
from analyses.tuning.heads.files import load_head
from analyses.tuning.model import TaskModel
from analyses.tuning.scoring import score
from analyses.tuning.tasks.registry import task_of
from analyses.tuning.trunk.build import build_trunk
from analyses.tuning.trunk.spec import TrunkSpec
from jobs.training.tables import corpus_tables
from tests.support.commands import ALONE, Here
from tests.support.studies import SmallStudy, tree_hash
from tests.support.tasks import block, with_tasks

CORPUS = {"dep": "trees", "mnli": "nli", "squad": "qa"}
SIMILARITY = '[[similarity]]\nname = "moved"\nmeasures = ["rsa"]\ncorpora = ["text"]\ntokens = 40\n'


def full_model_scores(store: Path, name: str, task: str, corpus: str) -> dict[str, float]:
    """The metrics of a registered checkpoint run whole, from token ids."""
    objects = open_root(str(store))
    folder = folder_of(objects, name)
    head, trunk = load_head(folder), build_trunk(TrunkSpec(folder=folder))
    ref = names.corpus(objects, corpus)
    tokens_id = actstore.open(str(store)).run(name, corpus).spec.tokens_id
    kind = task_of(task)
    data = kind.data(corpus_tables(objects, task, ref, tokens_id), getattr(head.head.spec, "labels", None))
    return score(TaskModel(trunk, trunk.norm, head.head), kind, data).metrics


def stored_scores(store: Path, checkpoint: str) -> dict[str, float]:
    table = actstore.open(str(store)).sql(
        f"SELECT metric, value FROM task_score WHERE checkpoint = '{checkpoint}'"
    )
    return dict(zip(table["metric"].to_pylist(), table["value"].to_pylist(), strict=True))


def test_one_run_trains_registers_extracts_and_scores(here: Here, study: SmallStudy) -> None:
    blocks = block("dep", "trees", seeds=[0, 1], save_steps=[0, 3])
    blocks += block("mnli", "nli", frozen_layers=3, test=[]) + block("squad", "qa")
    made = with_tasks(study).only(["base"], ["trees", "nli", "qa", "text"], blocks + SIMILARITY)
    answer = here("run", made.write(), *ALONE, "--json")
    assert answer.code == 0, answer.err
    trained = [item["name"] for item in answer.document["trained"]["checkpoints"]]
    assert trained == ["dep-s0", "dep-s1", "mnli-s0", "squad-s0"]

    store = actstore.open(str(made.store))
    rows = {row["name"]: row for row in store.checkpoints.to_pylist()}
    about = ("base", "task", "replicate", "step")
    assert {name: tuple(row[key] for key in about) for name, row in rows.items()} == {
        "base": (None, None, None, None),
        "dep-s0-step0": ("base", "dep", 0, 0), "dep-s0-step3": ("base", "dep", 0, 3),
        "dep-s0": ("base", "dep", 0, None),
        "dep-s1-step0": ("base", "dep", 1, 0), "dep-s1-step3": ("base", "dep", 1, 3),
        "dep-s1": ("base", "dep", 1, None),
        "mnli-s0": ("base", "mnli", 0, None), "squad-s0": ("base", "squad", 0, None),
    }  # fmt: skip
    # what starts at the base's weights, or never leaves them, answers from the base's own runs
    assert (
        rows["dep-s0-step0"]["trunk_sha256"]
        == rows["mnli-s0"]["trunk_sha256"]
        == rows["base"]["trunk_sha256"]
    )
    assert len({row["trunk_sha256"] for row in rows.values()}) == 6

    pairs = store.sql("SELECT DISTINCT checkpoint_a, checkpoint_b, replicate FROM similarity").to_pylist()
    assert {(row["checkpoint_a"], row["checkpoint_b"]) for row in pairs} == {
        ("base", name) for name in rows if name != "base"
    }
    for name, task in (("dep-s1", "dep"), ("mnli-s0", "mnli"), ("squad-s0", "squad")):
        assert stored_scores(made.store, name) == full_model_scores(made.store, name, task, CORPUS[task])
    majority = store.sql(
        "SELECT task, metric, value FROM task_score WHERE checkpoint = '(majority)'"
    ).to_pylist()
    assert {row["value"] for row in majority if row["metric"] == "accuracy"} == {1 / 3}
    assert {row["task"] for row in majority} == set(CORPUS)
    assert find_trained(store.objects, "dep-s0")["settings"]["seed"] == 0  # type: ignore[index]
    assert not (made.store / "training").exists()

    before = tree_hash(made.store)
    again = here("run", made.file, *ALONE, "--json")
    assert again.code == 0, again.err
    assert again.document["trained"]["skipped"] == trained
    assert "trained already: dep-s0, dep-s1, mnli-s0, squad-s0" in again.err
    assert tree_hash(made.store) == before
    assert here("verify", made.store).code == 0
    assert here("verify", made.store, "--recompute", 0.1).code == 0


def test_pretrained_replicates_are_bases_of_what_starts_from_them(here: Here, study: SmallStudy) -> None:
    sizes = {"layers": 2, "width": 16, "heads": 2, "inner": 32, "positions": 80}
    toml = ", ".join(f"{key} = {value}" for key, value in sizes.items())
    pretrain = block("mlm", "text", name="bert-{seed}", seeds=[0, 1]) + f"model = {{ {toml} }}\n"
    tune = block("dep", "trees", base="bert-{seed}", seeds=[0, 1])
    made = with_tasks(study).only(["base"], ["text", "trees"], tune + pretrain)  # in any order
    planned = here("plan", made.write(), "--json")
    assert planned.code == 0, planned.err
    assert {run["checkpoint"] for run in planned.document["runs"]} == {"dep-s0", "dep-s1"}
    assert not made.store.exists()
    answer = here("run", made.file, *ALONE)
    assert answer.code == 0, answer.err
    rows = {row["name"]: row for row in actstore.open(str(made.store)).checkpoints.to_pylist()}
    assert {name: (row["base"], row["n_layers"], row["width"]) for name, row in rows.items()} == {
        "bert-0": (None, 2, 16), "bert-1": (None, 2, 16),
        "dep-s0": ("bert-0", 2, 16), "dep-s1": ("bert-1", 2, 16),
    }  # fmt: skip
    assert len({row["trunk_sha256"] for row in rows.values()}) == 4
    record = find_trained(open_root(str(made.store)), "bert-0")
    assert record is not None
    assert set(record["dev"]) == {"masked_accuracy", "masked_loss"}
    assert stored_scores(made.store, "dep-s1") == full_model_scores(made.store, "dep-s1", "dep", "trees")


def test_what_was_trained_with_other_settings_is_not_taken_for_its_own(here: Here, study: SmallStudy) -> None:
    made = with_tasks(study).only(["base"], ["nli"], block("mnli", "nli"))
    assert here("finetune", made.write(), *ALONE).code == 0
    before = tree_hash(made.store)
    made.only(["base"], ["nli"], block("mnli", "nli", learning_rate=1e-4)).write()
    for verb in ("finetune", "extract", "run"):
        answer = here(verb, made.file, *ALONE)
        assert answer.code == 2
        assert "mnli-s0" in answer.err
        assert "rename it" in answer.err
    assert "learning_rate = 0.0001, it was 0.001" in here("extract", made.file, *ALONE).err
    assert tree_hash(made.store) == before


@pytest.mark.ray
def test_ray_gives_the_same_bytes(here: Here, study: SmallStudy) -> None:
    made = with_tasks(study).only(["base"], ["nli"], block("mnli", "nli", seeds=[0, 1]))
    assert here("finetune", made.write(), *ALONE).code == 0
    other = made.store.rename(made.folder / "alone")
    answer = here("finetune", made.file, "--ray-address", "local", "--workers", 2)
    assert answer.code == 0, answer.err
    for name in ("mnli-s0", "mnli-s1"):
        for part in ("model.safetensors", "head.safetensors", "ref.json"):
            place = Path("checkpoints", name, part)
            assert (made.store / place).read_bytes() == (other / place).read_bytes()
