"""The log of an extraction: a JSON line for every shard with its ids; and who else is told of it."""

import json
from pathlib import Path

import pytest

from actstore.errors import AccessError
from actstore.extract.driver import extract_runs
from actstore.schema.ports import Outcome, Resources
from actstore.serial import SerialExecutor
from jobs.console import Console
from jobs.log import open_log
from jobs.watch import Watch
from tests.support.small_store import open_formula, prepare


def test_every_shard_is_logged_with_its_ids(tmp_path: Path) -> None:
    small = prepare(tmp_path / "store", checkpoints=("base", "other"))
    small.arguments["other"]["width"] = 3  # not what the plan says: each of its shards fails
    told: list[Outcome] = []
    path = tmp_path / "log.jsonl"
    with open_log(str(path)) as log, Console().progress("shards", 1) as bar:
        watch = Watch(bar, log, told.append)
        extract_runs(
            small.objects, small.plans(), SerialExecutor(), Resources(), open_extractor=open_formula,
            checkpoints=small.arguments, on_receipt=watch.receipt, on_failure=watch.failure,
        )  # fmt: skip
        summary = watch.end()
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    spec = small.specs["base"]
    assert [line["event"] for line in lines] == ["shard"] * spec.n_shards + ["failed"] * spec.n_shards + [
        "summary"
    ]
    assert {(line["run"], line["shard"]) for line in lines[: spec.n_shards]} == {
        (spec.run_id, shard) for shard in range(spec.n_shards)
    }
    failed = lines[spec.n_shards]
    assert (failed["checkpoint"], failed["corpus"], failed["kind"]) == ("other", "small", "ModelError")
    assert all(line["time"].endswith("+00:00") for line in lines)
    assert (summary.n_shards, summary.n_failed, len(told)) == (
        spec.n_shards,
        spec.n_shards,
        2 * spec.n_shards,
    )


def test_a_log_is_appended_to(tmp_path: Path) -> None:
    for _ in range(2):
        with open_log(str(tmp_path / "log")) as log:
            log.event("hello")
    assert len((tmp_path / "log").read_text().splitlines()) == 2


def test_a_log_can_go_to_stderr_or_nowhere(capsys: pytest.CaptureFixture[str]) -> None:
    with open_log("-") as log:
        log.event("hello")
    with open_log(None) as log:
        log.event("unheard")
    assert json.loads(capsys.readouterr().err)["event"] == "hello"


def test_a_log_that_can_not_be_written_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AccessError, match="name another file"), open_log(str(tmp_path)):
        pass


def test_errors_inside_are_not_the_logs(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), open_log(str(tmp_path / "log")):
        (tmp_path / "absent").read_text()
