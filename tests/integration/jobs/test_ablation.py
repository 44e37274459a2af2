"""`run` trains the points of an ablation from stored activations; what is there is skipped."""

import csv
import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

import actstore
from actstore.store.root import open_root
from actstore.store.trained import find_trained, folder_of
from tests.support.commands import ALONE, Here
from tests.support.studies import SmallStudy, tree_hash
from tests.support.tasks import block, with_tasks

CORPUS = {"dep": "trees", "mnli": "nli", "squad": "qa"}


def ablation(kind: str, task: str, /, **keys: object) -> str:
    """An [[ablation]] block that trains and is scored on one corpus, fast."""
    given = {
        "name": f"{task}-{kind}", "kind": kind, "task": task, "base": "base", "train": CORPUS[task],
        "dev": CORPUS[task], "epochs": 2, "batch_size": 6, "learning_rate": 1e-3,
    }  # fmt: skip
    lines = [f"{key} = {json.dumps(value)}" for key, value in (given | keys).items()]
    return "\n[[ablation]]\n" + "\n".join(lines) + "\n"


def points(store: Path, name: str) -> list[dict[str, object]]:
    """What the parts of a result say, costs too."""
    found = list((store / "results" / "ablation" / name).glob("*/points.parquet"))
    assert len(found) == 1
    return pq.read_table(found[0]).to_pylist()


def test_one_run_extracts_trains_and_scores_every_point(here: Here, study: SmallStudy) -> None:
    blocks = ablation("freeze", "dep", layers=["none", 0, 3], seeds=[0, 1])
    blocks += ablation("truncate", "mnli", layers=[0, 2])
    blocks += ablation("truncate-frozen", "squad", layers="all")
    made = with_tasks(study).only(["base"], list(CORPUS.values()), blocks)
    planned = here("plan", made.write(), "--json")
    assert planned.code == 0, planned.err
    sites = {run["corpus"]: len(run["sites"]) for run in planned.document["runs"]}
    assert sites == {"trees": 2, "qa": 4}  # layers 0 and 3; all of three; nothing for truncation
    answer = here("run", made.file, *ALONE, "--json")
    assert answer.code == 0, answer.err

    store = actstore.open(str(made.store))
    asked = "SELECT DISTINCT name, kind, task, base, n_layers, seed FROM ablation"
    found = {tuple(row.values()) for row in store.sql(asked).to_pylist()}
    dep = {("dep-freeze", "freeze", "dep", "base", k, seed) for k in (None, 0, 3) for seed in (0, 1)}
    mnli = {("mnli-truncate", "truncate", "mnli", "base", k, 0) for k in (0, 2)}
    qa = {("squad-truncate-frozen", "truncate-frozen", "squad", "base", k, 0) for k in range(4)}
    assert found == dep | mnli | qa
    metrics = store.sql("SELECT DISTINCT metric FROM ablation WHERE task = 'squad'")["metric"].to_pylist()
    assert set(metrics) == {"exact_match", "f1"}
    costs = {
        (row["n_layers"], row["read_bytes"] > 0, row["layers_not_run"])
        for row in points(made.store, "dep-freeze")
    }
    assert costs == {(None, False, 0), (0, True, 0), (3, True, 3)}
    results = {item["name"]: item for item in answer.document["results"]}
    assert any(path.endswith("dep-freeze.svg") for path in results["dep-freeze"]["figures"])
    provenance = json.loads(
        next(made.store.glob("results/ablation/dep-freeze/*/provenance.json")).read_text()
    )
    assert set(provenance["runs"]) == {"base over trees, L00", "base over trees, L03"}
    assert not (made.store / "training").exists()

    before = tree_hash(made.store)
    report = here("report", made.file, "--into", made.folder / "page", "--json")
    assert report.code == 0, report.err
    page = Path(report.document["page"]).read_text()
    assert page.count("<img alt=") == 3
    assert 'src="http' not in page
    assert "forward work was not run" in page
    again = here("run", made.file, *ALONE, "--json")
    assert again.code == 0, again.err
    assert [item["n_computed"] for item in again.document["results"]] == [0, 0, 0]
    assert tree_hash(made.store) == before


def test_frozen_points_are_what_a_fine_tuning_with_frozen_layers_gives(here: Here, study: SmallStudy) -> None:
    """The same recipe by the other door, which runs every layer: the same scores, and the same weights."""
    tuned = block("mnli", "nli", frozen_layers=2, name="tuned-{seed}")
    made = with_tasks(study).only(
        ["base"], ["nli"], tuned + ablation("freeze", "mnli", layers=[2], keep=True)
    )
    answer = here("run", made.write(), *ALONE)
    assert answer.code == 0, answer.err
    store = actstore.open(str(made.store))
    sql = "SELECT value FROM {} WHERE metric = 'accuracy' AND {} LIKE '{}%'"
    scores = [
        store.sql(sql.format(*one))["value"].to_pylist()
        for one in (("ablation", "name", "mnli"), ("task_score", "checkpoint", "tuned"))
    ]
    assert scores[0] == scores[1]
    objects = open_root(str(made.store))
    record = find_trained(objects, "mnli-freeze-2-s0")
    assert record is not None
    assert record["ablation"] == {"name": "mnli-freeze", "kind": "freeze", "n_layers": 2, "seed": 0}
    from safetensors.numpy import load_file

    kept, whole = (
        load_file(folder_of(objects, name) / "model.safetensors") for name in ("mnli-freeze-2-s0", "tuned-0")
    )
    assert kept.keys() == whole.keys()
    for name, value in kept.items():
        np.testing.assert_allclose(value, whole[name], atol=2e-5, err_msg=name)
    row = next(row for row in store.checkpoints.to_pylist() if row["name"] == "mnli-freeze-2-s0")
    assert (row["base"], row["task"], row["replicate"]) == ("base", "mnli", 0)


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ({"layers": ["none", 9]}, "the checkpoint has 3 layers"),
        ({"kind": "truncate", "layers": [9]}, "layers has 9; the base has 3 layers"),
        ({"kind": "truncate", "layers": ["none"]}, '"none" is for kind = "freeze"'),
        ({"task": "mlm", "train": "nli", "dev": "nli"}, "masked tokens are trained with their embeddings"),
        ({"layers": []}, 'allowed are "all" or a list of numbers of layers'),
        ({"base": "noise"}, "has random weights"),
        ({"learning_rate": 1e-3, "clip_norm": 0.0}, "clip_norm"),
        ({"train": "text", "dev": "text"}, "lacks a label for its examples"),
    ],
)
def test_what_can_not_be_is_refused(
    here: Here, study: SmallStudy, keys: dict[str, object], told: str
) -> None:
    given = study.checkpoint("noise", model="models/base", init="random", seed=1)
    blocks = ablation("freeze", "mnli", **{"layers": ["none"], **keys})
    made = with_tasks(given).only(["base", "noise"], ["nli", "text"], blocks)
    answer = here("run", made.write(), *ALONE)
    assert answer.code == 2, answer.err
    assert told in answer.err


@pytest.mark.ray
def test_ray_gives_the_same_rows_and_goes_on_from_parts(here: Here, study: SmallStudy) -> None:
    blocks = ablation("freeze", "mnli", layers=["none", 1, 3])
    made = with_tasks(study).only(["base"], ["nli"], blocks)
    assert here("run", made.write(), *ALONE).code == 0
    place = next(made.store.glob("results/ablation/mnli-freeze/*"))
    values = pq.read_table(place / "table.parquet")
    for name in ("table.parquet", "points.parquet", "provenance.json", "parts/1-s0.parquet"):
        (place / name).unlink()
    answer = here("analyse", made.file, "--ray-address", "local", "--workers", 1, "--json")
    assert answer.code == 0, answer.err
    assert answer.document["results"][0]["n_computed"] == 1
    assert pq.read_table(place / "table.parquet").equals(values)

    made.only(["base"], ["nli"], ablation("freeze", "mnli", layers=[3, "none", 0, 1])).write()
    longer = here("run", made.file, *ALONE, "--json")
    assert longer.code == 0, longer.err
    assert longer.document["results"][0]["n_computed"] == 1  # layer 0; the others are taken over
    rows = {row["n_layers"]: row["value"] for row in longer.document["results"][0]["rows"]}
    assert {row["n_layers"]: row["value"] for row in values.to_pylist()}.items() <= rows.items()


def test_rows_of_a_study_are_added_once_and_a_longer_list_adds_what_is_new(
    here: Here, study: SmallStudy
) -> None:
    made = with_tasks(study).only(["base"], ["nli"], ablation("truncate-frozen", "mnli", layers=[1]))
    assert here("run", made.write(), *ALONE).code == 0
    rows = made.folder / "rows"
    first = here("report", made.file, "--rows", rows)
    path = rows / "study-ablation.csv"
    assert f"1 row added to {path}" in first.err
    before = path.read_text()
    assert "0 rows added" in here("report", made.file, "--rows", rows).err
    assert path.read_text() == before
    made.only(["base"], ["nli"], ablation("truncate-frozen", "mnli", layers=[1, 2])).write()
    assert here("run", made.file, *ALONE).code == 0
    assert "1 row added" in here("report", made.file, "--rows", rows).err
    assert path.read_text().startswith(before)
    one, two = csv.DictReader(path.read_text().splitlines())
    assert (one["n_layers"], two["n_layers"]) == ("1", "2")
    assert one["point_id"] != two["point_id"]
    told = json.loads((rows / "study-ablation.json").read_text())
    assert set(told) == {one["result_id"], two["result_id"]}
    assert str(made.folder) not in json.dumps(told)
    path.write_text("a,b\n1,2\n")
    refused = here("report", made.file, "--rows", rows, "--json")
    assert refused.document["error"] == "RequestError"
    assert "study-ablation.csv has the columns a, b; rows have name" in refused.err
    assert path.read_text() == "a,b\n1,2\n"


def test_a_report_tells_of_what_is_there_while_the_rest_waits(here: Here, study: SmallStudy) -> None:
    cheap = ablation("truncate-frozen", "mnli", layers=[1])
    made = with_tasks(study).only(["base"], ["nli", "text"], cheap)
    assert here("run", made.write(), *ALONE).code == 0
    waits = (
        block("mnli", "nli")
        + '\n[[drift]]\nname = "moved"\npairs = [["base", "mnli-s0"]]\ncorpora = ["nli"]\n'
    )
    made.only(["base"], ["nli", "text"], cheap + waits).write()
    report = here("report", made.file, "--into", made.folder / "page", "--json")
    assert report.code == 1
    assert set(report.document["missing"]) == {"moved", "mnli-s{seed}"}
    assert "moved is not finished; " in report.err
    text = (made.folder / "page" / "study-report.md").read_text()
    assert "* mnli-s{seed}: checkpoint 'mnli-s0' is not trained yet" in text
    figure = "study-report/ablation-mnli-truncate-frozen-1.svg"
    assert f"]({figure})" in text
    assert (made.folder / "page" / figure).read_text().startswith("<svg")
