"""`report --append`: finished scores as rows of a CSV file, each once."""

import csv
from pathlib import Path

from tests.support.commands import ALONE, Here
from tests.support.refused import check_refused
from tests.support.studies import SmallStudy
from tests.support.tasks import block, with_tasks


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_each_score_is_added_once_with_what_it_came_from(here: Here, study: SmallStudy) -> None:
    made = with_tasks(study).only(["base"], ["nli"], block("mnli", "nli"))
    assert here("run", made.write(), *ALONE).code == 0
    points = made.folder / "results" / "points.csv"
    first = here("report", made.file, "--append", points)
    assert first.code == 0, first.err
    assert "2 points added" in first.err
    tuned, majority = rows_of(points)
    assert (tuned["checkpoint"], tuned["metric"], tuned["seed"]) == ("mnli-s0", "accuracy", "0")
    assert (tuned["epochs"], tuned["batch_size"], tuned["train"], tuned["base"]) == ("2", "6", "nli", "base")
    assert all(tuned[key] for key in ("training_id", "run_id", "train_text_id", "torch", "finished"))
    assert (majority["checkpoint"], majority["training_id"]) == ("(majority)", "")
    assert float(majority["value"]) == 1 / 3

    before = points.read_bytes()
    assert "0 points added" in here("report", made.file, "--append", points).err
    assert points.read_bytes() == before
    made.only(["base"], ["nli"], block("mnli", "nli", seeds=[0, 1])).write()
    assert here("run", made.file, *ALONE).code == 0
    assert "1 point added" in here("report", made.file, "--append", points).err
    assert points.read_bytes().startswith(before)

    other = made.folder / "other.csv"
    other.write_text("a,b\n1,2\n")
    told = "has the columns a, b; points have task, corpus ... name another file"
    check_refused(here("report", made.file, "--append", other), told, kind="RequestError")
    assert other.read_text() == "a,b\n1,2\n"
