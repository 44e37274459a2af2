"""`actstore fidelity STORE`: what the stored precision changed, and what RSA and probes lost by it."""

import argparse
import sys
from typing import Any

from actstore.errors import NotFoundError
from actstore.query.fidelity import fidelity
from actstore.store import catalog
from actstore.store.catalog import RunInfo
from actstore.store.objects import Objects
from actstore.store.reader import RunReader
from actstore.store.root import open_root
from jobs.console import Console
from jobs.exact_run import EXACT, exact_run
from jobs.options import add_store, positive
from jobs.precision_probe import probe_accuracies
from jobs.precision_rsa import rsa_losses

NOT_ASKED = dict.fromkeys(("rsa_loss", "probe_accuracy", "probe_loss"))
"""Columns of the checks, empty where a check was not asked for, or its run is float32."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    add_store(parser)
    parser.add_argument("--run", metavar="ID", nargs="+", default=[], help="only these runs")
    parser.add_argument(
        "--rsa", action="store_true", help="1 - RSA of each run with the float32 run of the same tokens"
    )
    parser.add_argument(
        "--probe",
        metavar="LABELS",
        help="accuracy of a linear word probe of a label set (upos), and what it lost against that run",
    )
    parser.add_argument(
        "--tokens",
        metavar="N",
        type=positive,
        default=5000,
        help="sample of --rsa in tokens, of --probe in labelled words (5000)",
    )


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Tell each run's rounding, a row a site."""
    objects = open_root(arguments.store)
    every = catalog.list_runs(objects)
    wanted = [info for info in every if not arguments.run or info.run_id in arguments.run]
    if not wanted or set(arguments.run) - {info.run_id for info in wanted}:
        raise NotFoundError(
            f"no such runs in {objects.url}: `actstore ls {arguments.store}` lists what is there"
        )
    rows: list[dict[str, Any]] = []
    for info in wanted:
        checks = _checked(objects, info, every, arguments)
        found = fidelity(RunReader(objects, info.run_id, allow_partial=True)).to_pylist()
        rows += [{**row, **NOT_ASKED, **checks.get(row["site"], {})} for row in found]
    console.answer({"store": objects.url, "fidelity": rows})
    left_out = set() if arguments.rsa else {"rsa_loss"}
    left_out |= set() if arguments.probe else {"probe_accuracy", "probe_loss"}
    names = [name for name in rows[0] if name not in left_out]
    console.table(names, [[_cell(row[name]) for name in names] for row in rows])
    return 0


def _checked(
    objects: Objects, info: RunInfo, every: list[RunInfo], arguments: argparse.Namespace
) -> dict[str, dict[str, float]]:
    """By site, what the asked checks add to its row.

    Raises NotFoundError where there is no float32 run to compare with.
    """
    if info.spec.dtype == EXACT or not (arguments.rsa or arguments.probe):
        return {}
    exact = exact_run(info, every)
    out: dict[str, dict[str, float]] = {site: {} for site in info.spec.sites}
    if arguments.rsa:
        for site, loss in rsa_losses(objects, exact, info, arguments.tokens).items():
            out[site]["rsa_loss"] = loss
    if arguments.probe:
        found = probe_accuracies(objects, exact, info, arguments.probe, arguments.tokens)
        for site, (before, after) in found.items():
            out[site] |= {"probe_accuracy": after, "probe_loss": before - after}
    return out


def _cell(value: object) -> str:
    if value is None:
        return ""
    return f"{value:.2e}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    from jobs.cli import verb_main

    sys.exit(verb_main("fidelity"))
