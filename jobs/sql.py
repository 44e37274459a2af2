"""`actstore sql STORE "SELECT ..."`: SQL over the store's tables."""

import argparse
import sys
from pathlib import Path

import actstore
from jobs.console import Console
from jobs.options import add_json
from jobs.output import print_table, write_table


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.add_argument("store", metavar="STORE", help="store (a folder)")
    parser.add_argument("statement", metavar="SQL", help='for example "SHOW TABLES"')
    parser.add_argument(
        "--format", choices=("table", "csv", "json"), default="table", help="how it is printed"
    )
    parser.add_argument("-o", "--output", metavar="FILE", type=Path, help=".parquet, .arrow or .csv")
    add_json(parser)


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Answer a statement."""
    table = actstore.open(arguments.store).sql(arguments.statement)
    if arguments.output is not None:
        write_table(table, arguments.output)
        console.remark(f"{table.num_rows} rows in {arguments.output}")
        console.answer({"rows": table.num_rows, "file": str(arguments.output)})
        return 0
    print_table(table, "json" if arguments.json else arguments.format, console)
    return 0


if __name__ == "__main__":
    from jobs.cli import verb_main

    sys.exit(verb_main("sql"))
