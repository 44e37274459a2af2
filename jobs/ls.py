"""`actstore ls STORE`: checkpoints x corpora, complete, partial or missing; stale results; trainings."""

import argparse
import datetime
import sys
from dataclasses import asdict
from typing import Any

from actstore.session import Store
from actstore.store import names
from actstore.store.labels import current_labels, describe_labels
from actstore.store.objects import Objects
from actstore.store.results import list_results
from actstore.store.root import open_root
from actstore.store.training import list_training
from jobs.console import Console, human_bytes
from jobs.options import add_store

SET_KEYS = ("corpus", "label_set", "n_targets", "n_examples", "n_labels", "left_out")
SET_HEADERS = ["corpus", "label set", "targets", "examples", "labels", "left out"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    add_store(parser)


def run(arguments: argparse.Namespace, console: Console) -> int:
    """List what the store holds."""
    store = Store(open_root(arguments.store))
    runs = store.runs.to_pylist()
    for row in runs:
        row["state"] = state_of(row)
    runs += _missing(store, runs)
    results = list_results(store.objects)
    training = [asdict(info) for info in list_training(store.objects)]
    sets = _label_sets(store.objects)
    console.answer(
        {"store": store.objects.url, "runs": runs, "labels": sets, "results": results, "training": training}
    )
    rows = [
        [row["checkpoint"] or "(no name)", row["corpus"] or "(no name)", _sites(row["sites"]),
         row["dtype"] or "",
         row["state"], human_bytes(row["bytes"]), row["run_id"] or ""]
        for row in sorted(runs, key=lambda row: (row["checkpoint"] or "", row["corpus"] or ""))
    ]  # fmt: skip
    console.table(["checkpoint", "corpus", "sites", "dtype", "state", "size", "run"], rows)
    if sets:
        console.line("")
        console.table(SET_HEADERS, [[str(row[key]) for key in SET_KEYS] for row in sets])
    told = [[_kind(row), row["name"], "stale" if row["stale"] else "current", _minute(row["finished"]),
             row["result_id"], row["about"]] for row in results]  # fmt: skip
    if told:
        console.line("")
        console.table(["result", "name", "state", "finished", "id", "about"], told)
    begun = [[row["checkpoint"], f"step {row['step']:,} of {row['n_steps']:,}", human_bytes(row["bytes"])]
             for row in training]  # fmt: skip
    if begun:
        console.line("")
        console.table(["in training", "state", "size"], begun)
    return 0


def _kind(row: dict[str, Any]) -> str:
    """A result's kind; of an analysis of another package with its own."""
    return f"{row['kind']} ({row['of']})" if row["of"] else str(row["kind"])


def state_of(row: dict[str, Any]) -> str:
    """Complete, or how many of its shards a run has."""
    if row["complete"]:
        return f"complete except {row['n_quarantined']}" if row["n_quarantined"] else "complete"
    return f"partial ({row['n_done']} of {row['n_shards']} shards)"


def _label_sets(objects: Objects) -> list[dict[str, Any]]:
    """The label sets of spans of each corpus."""
    return [
        {
            "corpus": corpus.name,
            "label_set": name,
            **describe_labels(objects, corpus.text_id, name, hash_).to_dict(),
        }
        for corpus in names.corpora(objects)
        for name, hash_ in current_labels(objects, corpus)
    ]


def _missing(store: Store, runs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Pairs of known names without a run."""
    there = {(row["checkpoint"], row["corpus"]) for row in runs}
    checkpoints = store.checkpoints.column("name").to_pylist()
    corpora = sorted(set(store.corpora.column("name").to_pylist()))
    return [
        {"run_id": None, "checkpoint": checkpoint, "corpus": corpus, "tokens_id": None, "dtype": None,
         "sites": [], "n_shards": 0, "n_done": 0, "n_quarantined": 0, "bytes": 0, "complete": False,
         "state": "missing"}
        for checkpoint in checkpoints
        for corpus in corpora
        if (checkpoint, corpus) not in there
    ]  # fmt: skip


def _minute(time: str) -> str:
    """`2026-01-31 12:00 UTC` of an ISO time; as it is where it is none."""
    try:
        return datetime.datetime.fromisoformat(time).astimezone(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC")
    except ValueError:
        return time


def _sites(sites: list[str]) -> str:
    return f"{sites[0]}..{sites[-1]}" if len(sites) > 2 else " ".join(sites)


if __name__ == "__main__":
    from jobs.cli import verb_main

    sys.exit(verb_main("ls"))
