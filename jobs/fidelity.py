"""`actstore fidelity STORE`: what the stored precision changed; `--rsa` compares with float32 runs."""

import argparse
import sys
from typing import Any

import actstore
from actstore.errors import NotFoundError
from actstore.query.fidelity import fidelity
from actstore.store import catalog
from actstore.store.catalog import RunInfo
from actstore.store.reader import RunReader
from actstore.store.source import StoreSource
from analyses.readers.sample import SampleSpec
from analyses.similarity.plan import plan_units
from analyses.similarity.request import SimilarityBlock, StoredCorpus
from analyses.similarity.work import SimilarityWork
from jobs.console import Console
from jobs.options import add_store, positive
from jobs.stored import stored_run


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    add_store(parser)
    parser.add_argument("--run", metavar="ID", nargs="+", default=[], help="only these runs")
    parser.add_argument(
        "--rsa", action="store_true", help="1 - RSA of each run with the float32 run of the same tokens"
    )
    parser.add_argument("--tokens", metavar="N", type=positive, default=5000, help="sample of --rsa (5000)")


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Tell each run's rounding, a row a site."""
    objects = actstore.open(arguments.store).objects
    every = catalog.list_runs(objects)
    wanted = [info for info in every if not arguments.run or info.run_id in arguments.run]
    if not wanted or set(arguments.run) - {info.run_id for info in wanted}:
        raise NotFoundError(
            f"no such runs in {objects.url}: `actstore ls {arguments.store}` lists what is there"
        )
    rows: list[dict[str, Any]] = []
    for info in wanted:
        losses = _rsa_losses(objects.url, info, every, arguments.tokens) if arguments.rsa else {}
        found = fidelity(RunReader(objects, info.run_id, allow_partial=True)).to_pylist()
        rows += [{**row, "rsa_loss": losses.get(row["site"])} for row in found]
    console.answer({"store": objects.url, "fidelity": rows})
    names = [name for name in rows[0] if name != "rsa_loss" or arguments.rsa]
    console.table(names, [[_cell(row[name]) for name in names] for row in rows])
    return 0


def _rsa_losses(url: str, info: RunInfo, every: list[RunInfo], n_tokens: int) -> dict[str, float]:
    """1 - RSA with a complete float32 run of the same checkpoint and tokens, by layer that both hold.

    Raises NotFoundError where there is no such run.
    """
    if info.spec.dtype == "float32":
        return {}
    same = (info.spec.trunk_sha256, info.spec.tokens_id)
    exact = [
        other
        for other in every
        if (other.spec.trunk_sha256, other.spec.tokens_id) == same
        and other.spec.dtype == "float32"
        and other.complete
    ]
    if not exact or not info.complete:
        raise NotFoundError(
            f"run {info.run_id} ({info.spec.dtype}) has no complete float32 run of the same checkpoint and "
            'tokens beside it: extract the study once more with dtype = "float32", then ask again'
        )
    runs = {other.run_id: stored_run(other.run_id, other) for other in (exact[0], info)}
    block = SimilarityBlock(
        name="fidelity", pairs=((exact[0].run_id, info.run_id),), sample=SampleSpec(n_tokens=n_tokens)
    )
    plan = plan_units(block, [StoredCorpus(name="", runs=runs)])
    task = SimilarityWork(source=StoreSource(url), device="cpu").open(info.spec.tokens_id)
    tables = [task.do(unit) for unit in plan.tables]
    rows = [row for table in tables if table is not None for row in table.to_pylist()]
    return {f"L{row['layer_a']:02d}": 1.0 - row["value"] for row in rows}


def _cell(value: object) -> str:
    if value is None:
        return ""
    return f"{value:.2e}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    from jobs.cli import verb_main

    sys.exit(verb_main("fidelity"))
