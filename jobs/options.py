"""Options that several commands share."""

import argparse
from pathlib import Path

from jobs.study.load import load_study
from jobs.study.study import Study


def add_study(parser: argparse.ArgumentParser) -> None:
    """The study file and where its store is."""
    parser.add_argument("study", metavar="STUDY", type=Path, help="study file (TOML)")
    parser.add_argument("--store", metavar="URL", help="store, instead of the study's")
    parser.add_argument(
        "--limit", metavar="N", type=positive, help="only the first N examples of each corpus"
    )
    parser.add_argument("--seed", metavar="N", type=int, help="seed, instead of the study's")
    add_json(parser)


def asked_study(arguments: argparse.Namespace) -> Study:
    """The study of a command, with what its options replace."""
    replaced = {"limit": arguments.limit, "seed": arguments.seed}
    return load_study(arguments.study, store=arguments.store, overrides=replaced)


def add_workers(parser: argparse.ArgumentParser) -> None:
    """Where the work runs."""
    parser.add_argument("--workers", metavar="N", type=positive, help="workers (default: one per CPU or GPU)")
    parser.add_argument(
        "--ray-address",
        metavar="ADDR",
        help="a Ray cluster (host:port or ray://...), 'local' (default) for one of its own, "
        "'none' for one process without Ray",
    )
    parser.add_argument(
        "--threads", metavar="N", type=positive, default=1, help="compute threads of a worker (default: 1)"
    )


def add_log(parser: argparse.ArgumentParser) -> None:
    """A log for programs."""
    parser.add_argument(
        "--log", metavar="FILE", help="append a JSON line for every shard extracted; '-' for stderr"
    )


def add_store(parser: argparse.ArgumentParser) -> None:
    """An existing store."""
    parser.add_argument("store", metavar="STORE", help="store (a folder)")
    add_json(parser)


def add_json(parser: argparse.ArgumentParser) -> None:
    """One JSON document on stdout."""
    parser.add_argument("--json", action="store_true", help="print one JSON document on stdout")


def positive(text: str) -> int:
    """A whole number of at least 1."""
    try:
        number = int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number") from None
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is less than 1")
    return number
