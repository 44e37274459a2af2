"""What every analysis notes of its result: when it was asked, by what it was made, and what it read."""

import datetime
from collections.abc import Mapping
from typing import Any

from actstore import __version__
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


def made_by(study: str, store: Objects, analysis_version: int) -> dict[str, Any]:
    """What the provenance of every result begins with."""
    return {
        "study": study,
        "finished": now(),
        "actstore": __version__,
        "analysis_version": analysis_version,
        "store": store.url,
    }


def runs_read(store: Objects, run_ids: Mapping[str, str]) -> dict[str, Any]:
    """Id and content of the runs that were read, by what they are called."""
    manifests = {name: find_manifest(store, run_id) for name, run_id in run_ids.items()}
    return {
        name: {"run_id": manifest.run_id, "content_sha256": manifest.content_sha256}
        for name, manifest in manifests.items()
        if manifest is not None
    }
