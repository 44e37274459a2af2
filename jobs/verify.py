"""`actstore verify STORE`: check every stored byte; `--recompute` runs models again; `--repair` un-seals."""

import argparse
import sys
from dataclasses import asdict

from actstore.errors import RequestError
from actstore.extract.recompute import Recomputed, recompute_run
from actstore.store import catalog, names
from actstore.store.objects import Objects
from actstore.store.problem import Problem
from actstore.store.repair import repair
from actstore.store.root import open_root
from actstore.store.verify import verify_store
from jobs.console import Console
from jobs.options import add_store, positive


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    add_store(parser)
    parser.add_argument(
        "--recompute", metavar="FRACTION", type=float, help="run this share of the examples again and compare"
    )
    parser.add_argument(
        "--repair", action="store_true", help="remove what is damaged; `extract` then redoes it"
    )
    parser.add_argument(
        "--threads", metavar="N", type=positive, default=1, help="compute threads (default: 1)"
    )
    parser.add_argument("--allow-pickle", action="store_true", help="recompute from pickled weights too")
    parser.add_argument("--seed", metavar="N", type=int, default=0, help="of the choice of examples")


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Verify, and repair or recompute where asked."""
    if arguments.recompute is not None and not 0 < arguments.recompute <= 1:
        raise RequestError(
            f"--recompute {arguments.recompute}: give a share above 0 and up to 1, such as 0.001"
        )
    objects = open_root(arguments.store)
    problems = verify_store(objects)
    serious = [problem for problem in problems if is_serious(problem)]
    removed = repair(objects, problems) if arguments.repair else []
    recomputed: list[Recomputed] = []
    if arguments.recompute is not None and not serious:
        recomputed = _recompute(objects, arguments)
    failed = [item for item in recomputed if not item.ok]
    console.answer(
        {
            "ok": not serious and not failed,
            "problems": [asdict(problem) for problem in problems],
            "removed": removed,
            "recomputed": [{**asdict(item), "ok": item.ok} for item in recomputed],
        }
    )
    _tell(problems, removed, recomputed, console)
    if not serious and not failed:
        console.line(f"{objects.url}: {len(catalog.list_runs(objects))} runs, every byte as its receipt says")
        return 0
    if removed:
        console.line("repaired; run `actstore extract STUDY` to make what was removed anew")
    elif serious:
        console.line("run `actstore verify STORE --repair`, then `actstore extract STUDY`")
    if any(problem.kind == "trained" for problem in serious):
        console.line("of a trained checkpoint: once repaired, `actstore finetune STUDY` trains it again")
    return 1


def is_serious(problem: Problem) -> bool:
    """Whether something is lost: whole bytes that merely wait for their receipt are not."""
    return problem.kind != "unreceipted" or "damaged" in problem.message


def _recompute(objects: Objects, arguments: argparse.Namespace) -> list[Recomputed]:
    by_trunk = {ref.trunk_sha256: ref for ref in names.checkpoints(objects)}
    return [
        recompute_run(
            objects,
            info.run_id,
            by_trunk[info.spec.trunk_sha256],
            arguments.recompute,
            seed=arguments.seed,
            threads=arguments.threads,
            allow_pickle=arguments.allow_pickle,
        )
        for info in catalog.list_runs(objects)
        if info.n_done and info.spec.trunk_sha256 in by_trunk
    ]


def _tell(
    problems: list[Problem], removed: list[str], recomputed: list[Recomputed], console: Console
) -> None:
    for problem in problems:
        where = f"run {problem.run_id}, shard {problem.shard}: " if problem.shard is not None else ""
        console.line(f"{problem.kind}: {where}{problem.key}: {problem.message}")
    for key in removed:
        console.line(f"removed {key}")
    rows = [
        [item.run_id, site, str(item.n_sequences), f"{value:.2g}", f"{item.tolerance:.2g}"]
        for item in recomputed
        for site, value in item.difference.items()
    ]
    if rows:
        console.table(["run", "site", "sequences", "largest difference", "allowed"], rows)


if __name__ == "__main__":
    from jobs.cli import verb_main

    sys.exit(verb_main("verify"))
