"""`plan`: times from receipts, a batch or operations; verdicts; what is assumed; what does not fit."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from actstore.plan.cost import READ_BYTES
from tests.support.commands import Here
from tests.support.studies import SmallStudy


@pytest.fixture
def small(study: SmallStudy) -> SmallStudy:
    return study.only(["base"], ["text"])


def test_times_without_receipts_are_estimated_and_say_so(here: Here, small: SmallStudy) -> None:
    answer = here("plan", small.write())
    assert answer.code == 0, answer.err
    assert "times are estimated: a worker of one CPU thread" in answer.out
    (run,) = here("plan", small.file, "--json").document["runs"]
    assert run["speed_source"] == "estimated"
    assert run["forward_seconds"] == pytest.approx(run["n_tokens"] / run["tokens_per_second"])
    assert not small.store.exists()


def test_times_come_from_receipts_of_the_same_kind(here: Here, study: SmallStudy, extracted: Path) -> None:
    shutil.copytree(extracted, study.store)
    document = here("plan", study.only(["base", "tuned"], ["text"]).write(), "--json").document
    base, tuned = document["runs"]
    assert (base["speed_source"], tuned["speed_source"]) == ("measured", "measured")
    assert base["tokens_per_second"] == tuned["tokens_per_second"] > 0
    assert (base["n_missing"], base["worker_hours_left"]) == (0, 0)
    assert tuned["worker_hours_left"] > 0
    assert document["bytes_left"] == tuned["bytes"]


def test_calibrating_runs_a_batch_of_each_checkpoint(here: Here, study: SmallStudy) -> None:
    file = study.only(["base", "tuned"], ["text"]).write()
    runs = here("plan", file, "--calibrate", "--json").document["runs"]
    assert [run["speed_source"] for run in runs] == ["calibrated", "calibrated"]
    assert runs[0]["tokens_per_second"] != runs[1]["tokens_per_second"] > 0
    assert not study.store.exists()


def test_every_run_has_a_verdict(here: Here, small: SmallStudy) -> None:
    answer = here("plan", small.write())
    (line,) = [line for line in answer.out.splitlines() if line.startswith("base over text: storing")]
    (run,) = here("plan", small.file, "--json").document["runs"]
    assert run["read_seconds"] == run["bytes"] / READ_BYTES
    n = run["pays_from_analysis"]
    assert ("never pays" in line) if n is None else (f"pays from {n} analyses on" in line)


def test_bytes_of_the_study_in_each_dtype(here: Here, small: SmallStudy) -> None:
    document = here("plan", small.write(), "--json").document
    n_bytes = document["bytes_by_dtype"]
    assert n_bytes["float32"] == 2 * n_bytes["float16"] == 2 * n_bytes["bfloat16"]
    assert n_bytes["float16"] / 2 < n_bytes["int8"] < n_bytes["float16"]
    assert document["runs"][0]["bytes"] == n_bytes["float32"]


def test_without_weights_the_configuration_is_enough(here: Here, small: SmallStudy) -> None:
    with_all = here("plan", small.write(), "--json").document["runs"][0]
    (small.folder / "models" / "base" / "model.safetensors").unlink()
    document = here("plan", small.file, "--json").document
    run = document["runs"][0]
    assert {key: run[key] for key in ("n_tokens", "bytes", "n_shards")} == {
        key: with_all[key] for key in ("n_tokens", "bytes", "n_shards")
    }
    (line,) = document["assumed"]
    assert "no weights" in line
    refused = here("extract", small.file, "--ray-address", "none")
    assert (refused.code, "no weights" in refused.err) == (2, True)


def test_without_a_tokenizer_tokens_are_estimated_and_marked(here: Here, small: SmallStudy) -> None:
    with_all = here("plan", small.write(), "--json").document["runs"][0]
    folder = small.folder / "models" / "base"
    for file in folder.iterdir():
        if file.name != "config.json":
            file.unlink()
    answer = here("plan", small.file)
    assert answer.code == 0, answer.err
    assert "assumed: checkpoint 'base': no tokenizer" in answer.out
    run = here("plan", small.file, "--json").document["runs"][0]
    assert run["tokens_estimated"]
    assert run["n_tokens"] == pytest.approx(with_all["n_tokens"], rel=0.8)


def test_without_a_configuration_the_checkpoint_is_named(here: Here, small: SmallStudy) -> None:
    (small.folder / "models" / "base" / "config.json").unlink()
    answer = here("plan", small.write())
    assert (answer.code, "has no config.json" in answer.err) == (2, True)


def test_damaged_weights_are_not_assumed_away(here: Here, small: SmallStudy) -> None:
    (small.folder / "models" / "base" / "model.safetensors").write_bytes(b"short")
    answer = here("plan", small.write())
    assert (answer.code, "no whole safetensors file" in answer.err) == (2, True)


def test_a_worker_that_does_not_fit_is_refused(here: Here, study: SmallStudy) -> None:
    large = replace(study, extract=study.extract | {"tokens_per_batch": 10**11})
    answer = here("plan", large.only(["base"], ["text"]).write())
    assert answer.code == 2
    assert "a worker needs up to" in answer.err
    assert "base over text" in answer.out  # the plan itself is told
    assert here("plan", study.file, "--json").document["error"] == "CapacityError"


def test_the_same_weights_under_two_names_are_told_and_counted_once(here: Here, study: SmallStudy) -> None:
    file = study.only(["base"], ["text"]).write()
    alone = here("plan", file, "--json").document["bytes_left"]
    given = file.read_text()
    first = given.index("[[checkpoint]]")
    end = given.find("[[", first + 2)
    file.write_text(given + "\n" + given[first:end].replace('name = "base"', 'name = "twin"'))
    assert "base, twin have the same weights: each corpus is run and stored once" in here("plan", file).out
    document = here("plan", file, "--json").document
    assert [run["checkpoint"] for run in document["runs"]] == ["base", "twin"]
    assert document["bytes_left"] == alone
