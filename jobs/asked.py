"""What every analysis does with its result: when it was asked, what it read, and what failed."""

import datetime
from collections.abc import Mapping, Sequence
from typing import Any

from actstore.errors import UnitsFailedError
from actstore.schema.ports import Failure
from actstore.store.objects import Objects
from actstore.store.results import ResultWriter, list_results
from actstore.store.runs import find_manifest


def now() -> str:
    """The time as results record it."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds")


def ask_again(writer: ResultWriter) -> None:
    """Note that a finished result is asked for, where its study asked for another one after it."""
    same = (writer.kind, writer.name, writer.result_id)
    for row in list_results(writer.objects):
        if row["stale"] and (row["kind"], row["name"], row["result_id"]) == same:
            writer.ask_again(now())
            return


def runs_read(store: Objects, run_ids: Mapping[str, str]) -> dict[str, Any]:
    """Id and content of the runs that were read, by what they are called."""
    manifests = {name: find_manifest(store, run_id) for name, run_id in run_ids.items()}
    return {
        name: {"run_id": manifest.run_id, "content_sha256": manifest.content_sha256}
        for name, manifest in manifests.items()
        if manifest is not None
    }


def refuse_failures(what: str, failures: Sequence[Failure], n_units: int) -> None:
    """Raise UnitsFailedError, with each reason once, where units failed."""
    if failures:
        told = "; ".join(dict.fromkeys(f"{failure.kind}: {failure.message}" for failure in failures))
        raise UnitsFailedError(
            f"{what}: {len(failures)} of {n_units} units failed ({told}); the others are kept, the same "
            "command goes on from there"
        )
