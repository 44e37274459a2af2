"""`actstore plan STUDY`: what would run and what it takes; writes nothing, runs no model unasked."""

import argparse
import os
import sys
from collections.abc import Mapping, Sequence

from actstore.errors import CapacityError
from actstore.plan.cost import READ_BYTES, Speed, refusals
from actstore.store.places import open_objects
from actstore.store.root import check_format
from jobs.alike import rows_once, said_once, split
from jobs.console import Console, human_bytes, human_seconds
from jobs.machine import free_bytes, machine_bytes
from jobs.options import add_study, asked_study
from jobs.planned import (
    PlannedRun,
    bytes_by_dtype,
    bytes_left,
    describe_for_plan,
    plan_runs,
    same_runs,
    told,
    verdict,
    what_is_there,
    workers_that_fit,
)
from jobs.prepare import check_described, refuse_later, remark_readings
from jobs.speeds import calibrated, speeds

LOSSLESS = (
    "sizes are uncompressed: lossless codecs keep 0.77 to 0.92 of float16 activations, so the choice of "
    "sites, of dtype (int8 halves float16) and of tokens matters far more"
)
MOST_ROWS = 200
"""Of a plan's table; of more, checkpoints that are alike share one. `--json` has them all."""
HEADERS = (
    "checkpoint", "corpus", "sites", "tokens", "shards missing", "bytes", "memory of a worker",
    "worker time left", "asked by",
)  # fmt: skip


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    add_study(parser)
    parser.add_argument(
        "--calibrate", action="store_true", help="run one batch of each checkpoint here, for the times"
    )


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Print the plan. Raises CapacityError where disk or memory can not hold it."""
    study = asked_study(arguments)
    refuse_later(study)
    place = open_objects(study.store)
    objects = place if check_format(place) else None
    described, assumed = describe_for_plan(study, objects)
    remark_readings(described, console)
    check_described(what_is_there(described), objects)
    planned = plan_runs(described, objects)
    found = calibrated(described, planned) if arguments.calibrate else speeds(planned, objects)
    tell(planned, found, assumed, study.store, console)
    reasons = refusals(
        needed_bytes=bytes_left(planned), free_bytes=free_bytes(place),
        worker_bytes=max((item.worker_bytes for item in planned), default=0), machine_bytes=machine_bytes(),
    )  # fmt: skip
    if reasons:
        raise CapacityError("; ".join(reasons))
    console.answer(
        {
            "store": study.store,
            "runs": [told(item, found[item.spec.run_id]) for item in planned],
            "bytes_by_dtype": bytes_by_dtype(planned),
            "bytes_left": bytes_left(planned),
            "assumed": assumed,
        }
    )
    return 0


def tell(
    planned: Sequence[PlannedRun],
    found: Mapping[str, Speed],
    assumed: Sequence[str],
    store: str,
    console: Console,
) -> None:
    """The plan for a person."""
    rows = [_row(item, found[item.spec.run_id]) for item in planned]
    console.table(HEADERS, rows_once(rows, "checkpoints", MOST_ROWS))
    for line in same_runs(planned):
        console.line(line)
    console.line("memory: at most, with the model, beside Python and its libraries")
    verdicts = ((f"{i.checkpoint} over {i.corpus}", _verdict(i, found[i.spec.run_id])) for i in planned)
    for line in said_once(verdicts, "runs"):
        console.line(line)
    n_bytes = bytes_by_dtype(planned)
    console.line(
        "the whole study stored as " + ", ".join(f"{k}: {human_bytes(v)}" for k, v in n_bytes.items())
    )
    console.line(f"{human_bytes(bytes_left(planned))} left to write to {store}; {LOSSLESS}")
    console.line(_workers(planned, found))
    for note in dict.fromkeys(f"times are {speed.source}: {speed.note}" for speed in found.values()):
        console.line(note)
    for line in said_once((split(line) for line in assumed), "checkpoints"):
        console.line(f"assumed: {line}")


def _row(item: PlannedRun, speed: Speed) -> list[str]:
    mark = "~" if speed.source == "estimated" else ""
    seconds = speed.seconds(item.meta.n_tokens) * item.share_missing
    return [
        item.checkpoint, item.corpus, f"{len(item.spec.sites)}", f"{item.meta.n_tokens:,}",
        f"{item.n_missing} of {item.spec.n_shards}", human_bytes(item.bytes), human_bytes(item.worker_bytes),
        mark + _time(seconds), ", ".join(item.analyses),
    ]  # fmt: skip


def _verdict(item: PlannedRun, speed: Speed) -> str:
    forward_seconds, read_seconds, pays = verdict(item, speed)
    costs = (
        f"running the model once takes {_time(forward_seconds)} of a worker, reading what is stored "
        f"{_time(read_seconds)} at an assumed {READ_BYTES / 1e9:.0f} GB/s"
    )
    if pays is None:
        return f"storing never pays, compute it again each time ({costs})"
    return f"storing pays from {pays} analyses on ({costs})"


def _time(seconds: float) -> str:
    return "0 s" if seconds == 0 else "under 1 s" if seconds < 1 else human_seconds(seconds)


def _workers(planned: Sequence[PlannedRun], found: Mapping[str, Speed]) -> str:
    left = {item.spec.run_id: item for item in planned}.values()
    seconds = sum(found[item.spec.run_id].seconds(item.meta.n_tokens) * item.share_missing for item in left)
    n_cpus = os.cpu_count() or 1
    fit = workers_that_fit(machine_bytes(), max((item.worker_bytes for item in planned), default=1))
    n_workers = max(1, min(n_cpus, fit))
    held = "" if fit >= n_cpus else f" (its memory holds {n_workers} of {n_cpus})"
    return (
        f"{_time(seconds)} of one worker left, {_time(seconds / n_workers)} with the "
        f"{n_workers} of this machine{held}, and the time to load models"
    )


if __name__ == "__main__":
    from jobs.cli import verb_main

    sys.exit(verb_main("plan"))
