"""`actstore rm STORE CHECKPOINT [CORPUS]`: remove runs and names; lists first, --yes acts."""

import argparse
import sys

from actstore.store.repair import Removal, plan_rm, remove
from actstore.store.root import open_root
from jobs.console import Console, human_bytes
from jobs.options import add_store


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    add_store(parser)
    parser.add_argument("checkpoint", metavar="CHECKPOINT")
    parser.add_argument("corpus", metavar="CORPUS", nargs="?")
    parser.add_argument("--yes", action="store_true", help="remove what is listed")


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Remove the records of runs; their bytes are then unreferenced, and `gc` removes them."""
    objects = open_root(arguments.store)
    removals = plan_rm(objects, arguments.checkpoint, arguments.corpus)
    show_removals(removals, console, acted=arguments.yes)
    if arguments.yes:
        remove(objects, removals)
        console.remark("removed; `actstore gc STORE --grace 0 --yes` frees the bytes at once")
    return 0


def show_removals(removals: list[Removal], console: Console, *, acted: bool) -> None:
    """List what is (to be) removed."""
    console.answer(
        {
            "removed": acted,
            "removals": [{"what": r.what, "bytes": r.bytes, "keys": list(r.keys)} for r in removals],
        }
    )
    rows = [[removal.what, str(len(removal.keys)), human_bytes(removal.bytes)] for removal in removals]
    console.table(["removed" if acted else "would remove", "objects", "size"], rows)
    if not acted:
        console.remark("nothing was removed; --yes removes what is listed" if rows else "nothing to remove")


if __name__ == "__main__":
    from jobs.cli import verb_main

    sys.exit(verb_main("rm"))
