"""`actstore fidelity STORE`: what the stored precision changed; `--rsa` compares with float32 runs."""

import argparse
import sys
from typing import Any

import actstore
from actstore.errors import NotFoundError
from actstore.query.fidelity import fidelity
from actstore.schema.ports import Unit
from actstore.store import catalog
from actstore.store.catalog import RunInfo
from actstore.store.reader import RunReader
from actstore.store.source import StoreSource
from analyses.readers.sample import SampleSpec
from analyses.similarity.request import PairArgs, StoredRun
from analyses.similarity.work import SimilarityWork
from jobs.console import Console
from jobs.options import add_store, positive


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
    a, b = (
        StoredRun(checkpoint=i.run_id, run_id=i.run_id, tokens_id=i.spec.tokens_id, sites=i.spec.sites)
        for i in (exact[0], info)
    )
    task = SimilarityWork(source=StoreSource(url), device="cpu").open(a.tokens_id)
    return {f"L{layer:02d}": _loss(task, a, b, layer, n_tokens) for layer in a.layers if layer in b.layers}


def _loss(task: Any, a: StoredRun, b: StoredRun, layer: int, n_tokens: int) -> float:
    args = PairArgs(
        name="fidelity",
        corpus="",
        measures=("rsa",),
        a=a,
        b=b,
        layer_a=layer,
        layer_b=layer,
        sample=SampleSpec(n_tokens=n_tokens),
        resamples=0,
    )
    table = task.do(Unit(key="fidelity", group=a.tokens_id, args=args))
    return 1.0 - float(table.column("value")[0].as_py())


def _cell(value: object) -> str:
    if value is None:
        return ""
    return f"{value:.2e}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    from jobs.cli import verb_main

    sys.exit(verb_main("fidelity"))
