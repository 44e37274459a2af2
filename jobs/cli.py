"""The command line: `actstore VERB ...`, each verb a module of this package; errors become exit codes.

0: all that was promised exists. 1: some work failed, everything finished is kept. 2: the request is wrong,
nothing was done.
"""

import argparse
import importlib
import os
import sys
from collections.abc import Sequence

from actstore import __version__
from actstore.errors import ActstoreError
from jobs.console import Console

VERBS = {
    "init": "a commented study file for your own models and texts",
    "run": "everything the study asks, in dependency order; what exists is skipped",
    "plan": "what a study would run: bytes, shards, memory; runs no model",
    "finetune": "train the checkpoints that the study asks for",
    "extract": "run each checkpoint once and store its activations",
    "analyse": "the study's analyses, from the store only",
    "report": "tables and figures of finished analyses",
    "submit": "a study as a job on a Ray cluster, its log followed",
    "ls": "what a store holds: complete, partial or missing",
    "verify": "check every stored byte; exit 1 and a list where something is damaged",
    "query": "stored activations with their tokens",
    "sql": "SQL over the store's tables",
    "serve": "a store over HTTP, with web pages, and Arrow Flight",
    "fidelity": "what the stored precision changed: rounding sums, and RSA against a float32 run",
    "cp": "copy runs between stores, verified; what is there already stays",
    "rm": "remove a checkpoint's runs; lists first, --yes acts",
    "gc": "remove bytes that no record needs; lists first, --yes acts",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code."""
    arguments = _parsed(argv)
    console = Console(as_json=getattr(arguments, "json", False))
    try:
        module = importlib.import_module(f"jobs.{arguments.verb}")
        with console.alone():
            return int(module.run(arguments, console))
    except ActstoreError as error:
        console.remark(f"actstore {arguments.verb}: {error}")
        console.answer({"error": type(error).__name__, "message": str(error)})
        return error.exit_code
    except BrokenPipeError:
        # The reader of our output went away (`| head`): not an error of ours, but stdout must not be flushed.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        console.remark("stopped; what is finished is stored, the same command goes on from there")
        return 130


def verb_main(verb: str) -> int:
    """`python -m jobs.VERB ...`: the same as `actstore VERB ...`."""
    return main([verb, *sys.argv[1:]])


def _parsed(argv: Sequence[str] | None) -> argparse.Namespace:
    """The arguments; names may stand before and behind options, which argparse alone refuses."""
    words = sys.argv[1:] if argv is None else argv
    parser = make_parser(next((word for word in words if not word.startswith("-")), ""))
    arguments, left = parser.parse_known_args(argv)
    if left and hasattr(arguments, "names") and not any(word.startswith("-") for word in left):
        arguments.names = [*arguments.names, *left]
    elif left:
        parser.error(f"unrecognized arguments: {' '.join(left)}")
    return arguments


def make_parser(asked: str | None = None) -> argparse.ArgumentParser:
    """The parser of every command; of what is asked alone, where loading all would take seconds."""
    parser = argparse.ArgumentParser(
        prog="actstore", description="Every checkpoint runs once; analyses read its stored activations."
    )
    parser.add_argument("--version", action="version", version=f"actstore {__version__}")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    for verb, told in VERBS.items():
        made = verbs.add_parser(verb, help=told, description=told)
        if asked in {None, verb}:
            importlib.import_module(f"jobs.{verb}").add_arguments(made)
    return parser


if __name__ == "__main__":
    sys.exit(main())
