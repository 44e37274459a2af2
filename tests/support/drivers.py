"""Extraction in processes of its own, so that it can be killed; what has to hold of a store afterwards."""

import json
import multiprocessing
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from multiprocessing.process import BaseProcess
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from actstore.errors import ActstoreError
from actstore.extract.driver import RunReport, extract_runs
from actstore.schema.ports import Resources
from actstore.schema.receipts import Manifest
from actstore.serial import SerialExecutor
from actstore.store import paths, runs
from actstore.store.verify import verify_store
from jobs.console import Console
from jobs.extract import exit_code
from tests.support.faults import Fault, FaultTable, open_faulty
from tests.support.small_store import SmallStore, every_file, open_formula

OVERLAP = 2
WAIT_SECONDS = 120


def extract_with(
    small: SmallStore,
    table: FaultTable | None = None,
    *,
    overlap: int = OVERLAP,
    open_extractor: Callable[[Any], Any] = open_formula,
) -> list[RunReport]:
    """Extract in this process; driver and worker each open the store and share the table."""
    opener = partial(open_faulty, table or FaultTable())
    return extract_runs(
        opener(small.objects.url),
        small.plans(),
        SerialExecutor(),
        Resources(overlap=overlap),
        open_extractor=open_extractor,
        checkpoints=small.arguments,
        open_objects=opener,
    )


def drive(
    small: SmallStore, faults: Sequence[Fault] = (), overlap: int = OVERLAP, start: Barrier | None = None,
    user: int | None = None, said: Path | None = None,
) -> None:  # fmt: skip
    """A driver as the command line runs it: ends with the command's exit code; `said` takes its stderr."""
    if said is not None:
        sys.stderr = said.open("w", buffering=1)
    if user is not None:
        os.setgroups([])
        os.setgid(user)
        os.setuid(user)
    if start is not None:
        start.wait(WAIT_SECONDS)
    try:
        sys.exit(exit_code(extract_with(small, FaultTable(faults), overlap=overlap), Console(as_json=False)))
    except ActstoreError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        sys.exit(error.exit_code)


def processes() -> Any:
    """Where processes come from: a small server that has the libraries loaded and no threads."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.support.drivers"])
    return context


def start_driver(small: SmallStore, *faults: Fault, **options: Any) -> BaseProcess:
    process: BaseProcess = processes().Process(target=drive, args=(small, faults), kwargs=options)
    process.start()
    return process


def run_driver(small: SmallStore, *faults: Fault, **options: Any) -> int | None:
    """The exit code of a driver of its own process, negative where a signal ended it."""
    process = start_driver(small, *faults, **options)
    process.join(WAIT_SECONDS)
    return process.exitcode


def manifest_of(small: SmallStore, name: str = "base") -> Manifest:
    manifest = runs.find_manifest(small.objects, small.specs[name].run_id)
    assert manifest is not None
    return manifest


def receipts_there(small: SmallStore, name: str = "base") -> dict[int, bytes]:
    """Receipts by shard, as bytes; what a listing names but a race took away is left out."""
    run_id = small.specs[name].run_id
    found = {}
    for shard in runs.done_shards(small.objects, run_id):
        with suppress(FileNotFoundError):
            found[shard] = small.objects.read(paths.receipt(run_id, shard))
    return found


def bytes_by_key(place: Path) -> dict[str, bytes]:
    """Every named file's bytes; what is being made is not named yet."""
    return {
        str(path.relative_to(place)): path.read_bytes()
        for path in every_file(place)
        if ".staging" not in path.parts
    }


def check_nothing_is_half(place: Path, undisturbed: dict[str, bytes]) -> None:
    """Whatever has its final name is whole: the undisturbed bytes, or for receipts a whole record."""
    for key, data in bytes_by_key(place).items():
        assert key in undisturbed, f"{key} is not in the undisturbed store"
        if key.endswith("receipts.parquet"):
            assert pq.read_table(place / key).num_rows > 0
        elif "/receipts/" in key:
            mine, theirs = json.loads(data), json.loads(undisturbed[key])
            assert mine | {"measured": 0} == theirs | {"measured": 0}, key
        else:
            assert data == undisturbed[key], f"{key} differs from the undisturbed bytes"


def check_complete(small: SmallStore, undisturbed: Manifest) -> None:
    """The run is whole, verified, and its content is the undisturbed one's."""
    found = manifest_of(small)
    assert found.content_sha256 == undisturbed.content_sha256
    assert found == undisturbed
    assert verify_store(small.objects) == []
