"""One training's saved steps as a series: drift, similarity and probes over them, from a study file."""

import actstore
from tests.support.commands import ALONE, Here
from tests.support.studies import SmallStudy
from tests.support.tasks import block, with_tasks

STEPS = ["nli-steps-step0", "nli-steps-step2", "nli-steps"]
ANALYSES = f"""
[[drift]]
name = "moved"
pairs = [{", ".join(f'["base", "{name}"]' for name in STEPS)}]
corpora = ["trees"]

[[similarity]]
name = "alike"
measures = ["rsa"]
pairs = [{", ".join(f'["base", "{name}"]' for name in STEPS)}]
corpora = ["trees"]
tokens = 40

[[word_probe]]
name = "tags"
train = "trees"
dev = "trees"
test = "trees"
checkpoints = [{", ".join(f'"{name}"' for name in STEPS)}]
label = "upos"
epochs = 2
"""


def test_drift_similarity_and_probes_follow_a_training(here: Here, study: SmallStudy) -> None:
    training = block("mnli", "nli", name="nli-steps", seeds=[0], save_steps=[0, 2], test=[])
    made = with_tasks(study).only(["base"], ["trees", "nli"], training + ANALYSES)
    answer = here("run", made.write(), *ALONE, "--json")
    assert answer.code == 0, answer.err
    store = actstore.open(str(made.store))
    moved = store.sql(
        "SELECT checkpoint_b, avg(relative_l2) AS moved FROM drift WHERE layer = 3 GROUP BY ALL"
    ).to_pylist()
    by_step = {row["checkpoint_b"]: row["moved"] for row in moved}
    assert by_step["nli-steps-step0"] == 0  # before the first step it is the base
    assert 0 < by_step["nli-steps-step2"] < by_step["nli-steps"]
    alike = store.sql(
        "SELECT checkpoint_b, value FROM similarity WHERE layer_a = 3 AND layer_b = 3"
    ).to_pylist()
    value = {row["checkpoint_b"]: row["value"] for row in alike}
    assert value["nli-steps"] < value["nli-steps-step2"] < value["nli-steps-step0"] + 1e-12
    tags = store.sql("SELECT DISTINCT checkpoint, layer FROM word_probe").to_pylist()
    assert {(row["checkpoint"], row["layer"]) for row in tags} == {
        (name, k) for name in STEPS for k in range(4)
    }
    steps = {row["name"]: row["step"] for row in store.checkpoints.to_pylist()}
    assert steps == {"base": None, "nli-steps-step0": 0, "nli-steps-step2": 2, "nli-steps": None}
    report = here("report", made.file, "--into", made.folder / "page", "--json")
    assert report.code == 0, report.err
