"""Restore: records of a run whose content also lies elsewhere, made again from there."""

from actstore.errors import ActstoreError
from actstore.schema.spec import RunSpec
from actstore.store import paths, runs
from actstore.store.arrays import create_metadata
from actstore.store.objects import Objects
from actstore.store.records import create_record, find_record


def recover_spec(objects: Objects, run_id: str) -> RunSpec | None:
    """The spec of a run from its manifest or its group's attributes, None where neither holds it whole."""
    for key, way in (
        (paths.manifest(run_id), ("spec",)),
        (paths.run(run_id, "zarr.json"), ("attributes", "actstore")),
    ):
        try:
            value = find_record(objects, key) or {}
            for step in way:
                value = value.get(step, {})
            spec = RunSpec.from_dict(value)
        except (ActstoreError, KeyError, TypeError, AttributeError):
            continue
        if spec.run_id == run_id:
            return spec
    return None


def restore_spec(objects: Objects, run_id: str) -> None:
    """Create spec.json again, where it is missing and can be recovered."""
    spec = recover_spec(objects, run_id)
    if spec is not None:
        create_record(objects, paths.run(run_id, "spec.json"), spec.to_dict())


def restore_metadata(objects: Objects, run_id: str) -> None:
    """Create the Zarr metadata again, where it is missing."""
    create_metadata(objects, runs.read_spec(objects, run_id))
