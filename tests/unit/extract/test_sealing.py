"""Sealing: beside the work that goes on; by the next driver where one ended just before it."""

from collections.abc import Sequence
from pathlib import Path
from threading import Event, current_thread, main_thread

import pytest

from actstore.errors import AccessError
from actstore.extract.driver import RunPlan, extract_runs
from actstore.schema.ports import Outcome, Resources
from actstore.schema.receipts import Receipt
from actstore.serial import SerialExecutor
from actstore.store import paths
from actstore.store.folder import FolderObjects
from actstore.store.objects import Buffer
from tests.support.small_store import FormulaExtractor, SmallStore, open_formula, prepare


def opens_nothing(arguments: object) -> FormulaExtractor:
    raise AssertionError(f"a model was loaded for a run that is whole: {arguments}")


def test_the_next_driver_seals_what_is_whole(tmp_path: Path) -> None:
    small = prepare(tmp_path / "store")
    (first,) = small.extract()
    assert first.manifest is not None
    run_id = small.specs["base"].run_id
    small.objects.delete(paths.manifest(run_id))
    small.objects.delete(paths.sealed_receipts(run_id))
    (again,) = extract_runs(
        small.objects, small.plans(), SerialExecutor(), Resources(overlap=2),
        open_extractor=opens_nothing, checkpoints=small.arguments,
    )  # fmt: skip
    assert (again.n_new_shards, again.manifest) == (0, first.manifest)


class SlowSeal(FolderObjects):
    """Lets nobody read the receipts of a run that is whole before `go_on` is set."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.go_on, self.waited = Event(), False

    def read(self, key: str) -> bytes:
        if key.startswith("runs/") and "/receipts/" in key and current_thread() is not main_thread():
            self.waited = True
            assert self.go_on.wait(20), "the work went not on beside the sealing"
        return super().read(key)


class FailingSeal(FolderObjects):
    """Its disk takes no manifest."""

    def create(self, key: str, parts: Sequence[Buffer]) -> bool:
        if key.startswith(paths.MANIFESTS):
            raise AccessError(f"{key}: the disk takes nothing more")
        return super().create(key, parts)


def two_runs(tmp_path: Path) -> SmallStore:
    return prepare(tmp_path / "store", checkpoints=("base", "tuned"))


def test_others_compute_while_a_run_is_sealed(tmp_path: Path) -> None:
    small = two_runs(tmp_path)
    objects = SlowSeal(tmp_path / "store")
    done: list[str] = []

    def on_receipt(plan: RunPlan, receipt: Receipt, outcome: Outcome) -> None:
        done.append(plan.checkpoint)
        if len(set(done)) == 2:  # a shard of the second run came back
            objects.go_on.set()

    reports = extract_runs(
        objects, small.plans(), SerialExecutor(), Resources(),
        open_extractor=open_formula, checkpoints=small.arguments, on_receipt=on_receipt,
    )  # fmt: skip
    assert objects.waited
    assert all(report.manifest is not None for report in reports)


def test_what_sealing_ends_with_is_raised(tmp_path: Path) -> None:
    small = two_runs(tmp_path)
    with pytest.raises(AccessError, match="the disk takes nothing more"):
        extract_runs(
            FailingSeal(tmp_path / "store"), small.plans(), SerialExecutor(), Resources(),
            open_extractor=open_formula, checkpoints=small.arguments,
        )  # fmt: skip
