"""A driver that ends between the last receipt and the manifest: the next one seals, and computes nothing."""

from pathlib import Path

from actstore.extract.driver import extract_runs
from actstore.schema.ports import Resources
from actstore.serial import SerialExecutor
from actstore.store import paths
from tests.support.small_store import FormulaExtractor, prepare


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
