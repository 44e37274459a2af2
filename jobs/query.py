"""`actstore query STORE ...`: stored activations with their tokens, to the terminal or a file."""

import argparse
import sys
from pathlib import Path

import pyarrow as pa

import actstore
from actstore.errors import RequestError
from actstore.schema.query import POOLS, UNITS, Query
from jobs.console import Console
from jobs.options import add_store
from jobs.output import (
    ACTIVATION_FILES,
    TABLE_FILES,
    check_suffix,
    print_table,
    write_activations,
    write_table,
)

ROWS_SHOWN = 50
UNITS_SHOWN = 4


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    add_store(parser)
    parser.add_argument("--checkpoint", metavar="C", nargs="+", required=True)
    parser.add_argument("--corpus", metavar="K", required=True)
    parser.add_argument("--layer", metavar="L", nargs="+", type=int, help="default: all layers")
    parser.add_argument(
        "--site", metavar="S", nargs="+", default=[], help="further sites: final, L03.attn, ..."
    )
    parser.add_argument(
        "--where", metavar="SQL", help="for example \"upos = 'VERB' AND label = 'entailment'\""
    )
    parser.add_argument("--unit", choices=UNITS, default="token")
    parser.add_argument("--pool", choices=POOLS, default="mean", help="a word's vector from its tokens'")
    parser.add_argument(
        "--nearest", metavar=("EXAMPLE", "POSITION"), nargs=2, type=int,
        help="instead: the tokens (or words) nearest to this one, at each layer of each checkpoint",
    )  # fmt: skip
    parser.add_argument("--k", metavar="N", type=int, default=10, help="how many nearest (default: 10)")
    parser.add_argument("--limit", metavar="N", type=int, help="default: everything")
    parser.add_argument("--sample", metavar="N", type=int, help="a seeded uniform sample")
    parser.add_argument("--seed", metavar="N", type=int, default=0)
    parser.add_argument("--run", metavar="ID", nargs="+", default=[], help="run ids, where several runs fit")
    parser.add_argument(
        "--allow-partial", action="store_true", help="read the finished shards of a partial run"
    )
    parser.add_argument("-o", "--output", metavar="FILE", type=Path, help=", ".join(ACTIVATION_FILES))


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Answer a query."""
    if arguments.nearest is not None:
        return _nearest(arguments, console)
    if arguments.output is not None:
        check_suffix(arguments.output, ACTIVATION_FILES)
    query = Query(
        checkpoints=tuple(arguments.checkpoint),
        corpus=arguments.corpus,
        layers=None if arguments.layer is None else tuple(arguments.layer),
        sites=tuple(arguments.site),
        where=arguments.where,
        unit=arguments.unit,
        pool=arguments.pool,
        limit=arguments.limit,
        sample=arguments.sample,
        seed=arguments.seed,
        runs=tuple(arguments.run),
        allow_partial=arguments.allow_partial,
    )
    reader = actstore.open(arguments.store).ask(query)
    if arguments.output is not None:
        rows = write_activations(reader, arguments.output)
        console.remark(f"{rows} rows in {arguments.output}")
        console.answer({"rows": rows, "file": str(arguments.output)})
        return 0
    if arguments.json:
        console.answer(reader.read_all().to_pylist())
        return 0
    _show(reader, console)
    return 0


def _nearest(arguments: argparse.Namespace, console: Console) -> int:
    """Answer with the nearest tokens or words, as a table."""
    for name in ("limit", "sample"):
        if getattr(arguments, name) is not None:
            raise RequestError(f"--{name} goes not with --nearest; --k says how many, --where among which")
    if arguments.output is not None:
        check_suffix(arguments.output, TABLE_FILES)
    example, position = arguments.nearest
    table = actstore.open(arguments.store).nearest(
        arguments.checkpoint, arguments.corpus, example, position, arguments.layer, arguments.site,
        k=arguments.k, where=arguments.where, unit=arguments.unit, pool=arguments.pool, run=arguments.run,
    )  # fmt: skip
    if arguments.output is not None:
        write_table(table, arguments.output)
        console.remark(f"{table.num_rows} rows in {arguments.output}")
        console.answer({"rows": table.num_rows, "file": str(arguments.output)})
        return 0
    print_table(table, "json" if arguments.json else "table", console)
    return 0


def _show(reader: pa.RecordBatchReader, console: Console) -> None:
    """The first rows, the first units of each vector."""
    rows: list[list[str]] = []
    more = False
    for batch in reader:
        for row in batch.slice(0, ROWS_SHOWN - len(rows)).to_pylist():
            vector = row.pop("activation")
            shown = " ".join(f"{value:.4g}" for value in vector[:UNITS_SHOWN])
            rows.append([*("" if value is None else str(value) for value in row.values()), f"{shown} ..."])
        more = len(rows) == ROWS_SHOWN
        if more:
            break
    console.table([name for name in reader.schema.names if name != "activation"] + ["activation"], rows)
    if more:
        console.remark(f"the first {ROWS_SHOWN} rows are shown; write all of them with -o FILE")


if __name__ == "__main__":
    from jobs.cli import verb_main

    sys.exit(verb_main("query"))
