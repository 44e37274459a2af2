"""`actstore gc STORE`: remove bytes that no record needs; lists first, --yes acts."""

import argparse
import sys

from actstore.store.repair import plan_gc, remove
from actstore.store.root import open_root
from jobs.console import Console, human_bytes
from jobs.options import add_store
from jobs.rm import show_removals


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    add_store(parser)
    parser.add_argument(
        "--grace", metavar="HOURS", type=float, default=24.0,
        help="spare bytes younger than this: they may belong to a run in progress (default: 24)",
    )  # fmt: skip
    parser.add_argument("--yes", action="store_true", help="remove what is listed")


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Remove unreferenced bytes."""
    objects = open_root(arguments.store)
    removals = plan_gc(objects, grace_seconds=arguments.grace * 3600)
    show_removals(removals, console, acted=arguments.yes)
    if arguments.yes:
        console.remark(f"freed {human_bytes(remove(objects, removals))}")
    return 0


if __name__ == "__main__":
    from jobs.cli import verb_main

    sys.exit(verb_main("gc"))
