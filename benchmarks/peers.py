"""Peers: extraction, files, analyses, kills, batch sizes: ours and what else stores or compares activations.

    python benchmarks/peers.py [--transformerlens PYTHON] [--saelens PYTHON] [--neurox PYTHON] [--parts ...]

One made-up decoder (see benchmarks/extraction.py) over one text on one machine, one compute thread; probes
are of the demo model over a treebank. A program that wants an environment of its own is run by the Python of
it; the first table tells which peers are there. What each part compares: docs/benchmarks/peers.md.
"""

import argparse
import os
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import torch
from common import in_turns, parser, report, scratch, time_rows
from extraction import DEMO_MODEL, our_ways, peers
from extraction import rows as extraction_rows
from peer import Answer, there
from peer_batches import changed
from peer_files import stored_in_actstore
from peer_kills import Killable, lost, ours, plain, saelens
from peer_probes import probe_rows
from peer_runs import FORMS, Runs
from similarity import cka_ways, rsa_ways, way_rows

N_RANDOM, N_SIMILAR = 5_000, 5_000
Table = list[dict[str, object]]


def extraction(runs: Runs) -> dict[str, Table]:
    """Tokens a second and bytes a token."""
    ways = {**our_ways(runs.bench, with_peers=True), **peers(runs.bench, runs.options)}
    for form in FORMS:
        ways[f"loop into {form}, {runs.n_sites} sites"] = partial(runs.loop, form)
    if runs.options.neurox:
        ways[f"NeuroX, {runs.n_sites} sites, words"] = runs.neurox
    answers: dict[str, list[Answer]] = {name: [] for name in ways}
    for turn in range(runs.options.rounds):
        for name, way in ways.items():
            answers[name].append(way())
        print(f"round {turn + 1} of {runs.options.rounds}", file=sys.stderr, flush=True)
    n_bytes = {name: told[0].n_bytes / told[0].n_tokens for name, told in answers.items()}
    found = extraction_rows(answers)
    for row, each in zip(found, n_bytes.values(), strict=True):
        del row["bytes"]
        row["bytes a token"] = round(each)
    return {"extraction": found}


def reading(runs: Runs) -> dict[str, Table]:
    """A layer and random rows of what every way left."""
    files = {"actstore": runs.our_layer(runs.place("read"), runs.options.tokens_per_batch)}
    for form in FORMS:
        files[form] = runs.loop_layer(form, runs.place(f"read {form}"))
    np.testing.assert_allclose(files["actstore"].layer(), files["numpy"].layer(), atol=1e-3)
    if runs.options.saelens:
        files["SAELens"] = runs.saelens_layer(runs.place("read saelens"))
    if runs.options.neurox:
        files["NeuroX, words"] = runs.neurox_layer(runs.place("read neurox"))
    at = {name: np.random.default_rng(0).choice(one.n_tokens, N_RANDOM) for name, one in files.items()}
    layers = in_turns({name: one.layer for name, one in files.items()}, runs.options.rounds)
    rows = in_turns({name: partial(one.rows, at[name]) for name, one in files.items()}, runs.options.rounds)
    timed = {
        "a layer, float32, page cache warm": time_rows(layers, "actstore"),
        f"{N_RANDOM:,} random rows of it": time_rows(rows, "actstore"),
    }
    counts = [one.n_tokens for one in files.values()]
    return {
        title: [{"way": row["way"], "rows": n, **row} for row, n in zip(table, counts, strict=True)]
        for title, table in timed.items()
    }


def similarity(runs: Runs) -> dict[str, Table]:
    """RSA and CKA of two layers."""
    store = runs.store(runs.place("similar"), runs.options.tokens_per_batch)
    sites = (runs.bench.sites[runs.n_sites // 2], runs.bench.sites[-1])
    middle, last = (stored_in_actstore(store, site).layer()[:N_SIMILAR] for site in sites)
    size = f"{len(last):,} tokens x {last.shape[1]}"
    return {
        f"RSA of {size}": way_rows(rsa_ways(middle, last), runs.options.rounds, "actstore"),
        f"CKA of {size}": way_rows(cka_ways(middle, last), runs.options.rounds, "actstore, cka"),
    }


def probes(runs: Runs) -> dict[str, Table]:
    """Word probes of all layers."""
    treebank = str(Path(runs.options.corpus).parent)
    limit = runs.options.limit or 2_000
    return {"probes of all layers": probe_rows(runs.folder / "probes", DEMO_MODEL, treebank, limit)}


def kills(runs: Runs) -> dict[str, Table]:
    """What a kill at half of the bytes loses."""
    ways: dict[str, Callable[[Path], Killable]] = {"actstore": partial(ours, runs.text, runs.model)}
    for form in FORMS:
        ways[f"loop into {form}"] = partial(plain, runs.text, runs.model, form=form, n_sites=runs.n_sites)
    if python := runs.options.saelens:
        ways["SAELens, one site"] = partial(saelens, python, runs.text, runs.model, hook=runs.saelens_hook)
    n_tokens = runs.bench.meta.n_tokens
    return {"kills": [lost(name, way, runs.place(f"kill {name}"), n_tokens) for name, way in ways.items()]}


def batches(runs: Runs) -> dict[str, Table]:
    """Values by two batch sizes."""
    in_id = "it is part of the run's id: another size is another run"
    sizes, place = (32, 8), runs.place
    rows = [
        changed("actstore", runs.our_layer, (1024, 256), place("batches"), in_id),
        changed("loop into numpy", partial(runs.loop_layer, "numpy"), sizes, place("of loop"), "nothing"),
    ]
    if runs.options.transformerlens:
        way, name = runs.transformerlens_layer, "TransformerLens, windows"
        rows.append(changed(name, way, sizes, place("of transformerlens"), "nothing"))
    if runs.options.saelens:
        told = "nothing in the data set"
        rows.append(changed("SAELens, windows", runs.saelens_layer, sizes, place("of saelens"), told))
    return {"batch sizes": rows}


PARTS: dict[str, Callable[[Runs], dict[str, Table]]] = {
    part.__name__: part for part in (extraction, reading, similarity, probes, kills, batches)
}


def main() -> None:
    options = _options()
    torch.set_num_threads(1)
    tables: dict[str, Table] = {"peers": there(options)}
    with scratch(options.folder) as folder:
        runs = Runs(folder, options)
        for part in options.parts:
            print(part, file=sys.stderr, flush=True)
            tables |= PARTS[part](runs)
        print(report(tables, folder, as_json=options.json))


def _options() -> argparse.Namespace:
    made = parser(__doc__)
    data = os.environ.get("ACTSTORE_DATA", "data")
    made.add_argument("--corpus", default=f"{data}/ud_ewt/en_ewt-ud-dev.conllu", help="of a treebank")
    made.add_argument("--limit", type=int, default=None, help="sentences")
    made.add_argument("--tokens-per-batch", type=int, default=1024)
    made.add_argument("--transformerlens", metavar="PYTHON", help="of an environment with TransformerLens 4")
    made.add_argument("--saelens", metavar="PYTHON", help="of an environment with SAELens 6")
    made.add_argument("--neurox", metavar="PYTHON", help="of an environment with NeuroX 1")
    made.add_argument("--parts", nargs="+", choices=list(PARTS), default=list(PARTS))
    options = made.parse_args()
    if options.small:
        options.limit, options.rounds = 600, 1
    return options


if __name__ == "__main__":
    main()
