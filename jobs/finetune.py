"""`actstore finetune STUDY`: train what the study asks for; what is trained already is skipped."""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from actstore.cluster.executor import RayExecutor
from actstore.schema.ports import Failure, Resources, Unit
from actstore.store.objects import Objects
from actstore.store.places import open_objects
from actstore.store.root import check_format, create_root
from jobs.console import Console, counted, human_bytes, human_seconds
from jobs.executors import AnyExecutor, gpus_per_worker, open_executor, share_bytes, workers_for
from jobs.machine import free_bytes
from jobs.options import add_study, add_workers, asked_study
from jobs.prepare import refuse_later, remark_reports
from jobs.study.study import Study
from jobs.training.memory import check_memory
from jobs.training.plan import TrainingPlan, check_disk, plan_trainings
from jobs.training.request import TrainRequest
from jobs.training.requests import requests_of
from jobs.training.watch import Watch
from jobs.training.work import TrainReport, TrainWork


@dataclass(frozen=True, slots=True, kw_only=True)
class Trained:
    """What became of a study's trainings."""

    skipped: tuple[str, ...]
    """Trained before."""
    reports: tuple[TrainReport, ...]
    failures: tuple[tuple[str, Failure], ...]

    @property
    def exit_code(self) -> int:
        if not self.failures:
            return 0
        wrong = all(failure.request_error for _, failure in self.failures)
        return 2 if wrong and not self.reports else 1


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    add_study(parser)
    add_workers(parser)


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Train."""
    study = asked_study(arguments)
    refuse_later(study)
    trained = finetune_study(study, arguments, console)
    console.answer({"store": study.store, "trained": told(trained)})
    return trained.exit_code


def finetune_study(study: Study, arguments: argparse.Namespace, console: Console) -> Trained:
    """Check everything, then train wave by wave: a base before what starts from it."""
    if not study.finetune:
        return Trained(skipped=(), reports=(), failures=())
    place = open_objects(study.store)
    there = place if check_format(place) else None
    plan = plan_trainings(study, there)
    remark_reports(plan.readings, console)
    check_disk(plan, there, free_bytes(place), arguments.workers or 1)
    objects = create_root(study.store)
    skipped: list[str] = []
    reports: list[TrainReport] = []
    failures: list[tuple[str, Failure]] = []
    for wave in plan.waves():
        found = requests_of(plan, objects, wave)
        done = [request.name for request, registered in found if registered]
        if done:
            console.remark(f"trained already: {', '.join(done)}")
        skipped += done
        left = [request for request, registered in found if not registered]
        if left:
            new, failed = _train(plan, objects, left, arguments, console)
            reports += new
            failures += failed
        if failures:
            break
    return Trained(skipped=tuple(skipped), reports=tuple(reports), failures=tuple(failures))


def _train(
    plan: TrainingPlan,
    objects: Objects,
    requests: list[TrainRequest],
    arguments: argparse.Namespace,
    console: Console,
) -> tuple[list[TrainReport], list[tuple[str, Failure]]]:
    units = [Unit(key=request.name, group=request.name, args=request) for request in requests]
    reports, failures = [], []
    with open_executor(arguments, stores=[objects], models=plan.starts.folders()) as executor:
        resources = _resources(arguments, executor, requests)
        n_workers = workers_for(executor, resources, len(units))
        console.remark(
            f"{counted(len(units), 'checkpoint')} to train on {counted(n_workers, 'worker')}, at most "
            f"{human_bytes(resources.memory_bytes)} of memory each beside its libraries"
        )
        with Watch(objects, requests, console.remark), console.progress("training", len(units)) as bar:
            for outcome in executor.map(TrainWork(threads=arguments.threads), units, resources):
                bar.advance(1, note=outcome.unit.key)
                if outcome.failure is not None:
                    failures.append((outcome.unit.key, outcome.failure))
                    console.remark(f"{outcome.unit.key}: {outcome.failure.kind}: {outcome.failure.message}")
                else:
                    reports.append(outcome.result)
                    console.remark(told_report(outcome.result))
    return reports, failures


def _resources(
    arguments: argparse.Namespace, executor: AnyExecutor, requests: Sequence[TrainRequest]
) -> Resources:
    """What a worker asks for: the bound of the largest training. Raises CapacityError."""
    largest = max(requests, key=lambda request: request.memory_bytes)
    resources = Resources(
        threads=arguments.threads,
        cpus=float(arguments.threads),
        gpus=gpus_per_worker(executor),
        memory_bytes=largest.memory_bytes,
    )
    if not (isinstance(executor, RayExecutor) and executor.grows):
        check_memory(largest.name, largest.memory_bytes, share_bytes(executor, Resources(cpus=0.0)))
    return resources


def told_report(report: TrainReport) -> str:
    """A finished training for a person."""
    losses = ", ".join(f"{loss:.3f}" for loss in report.losses)
    return (
        f"{report.name}: {report.n_new_steps:,} of {report.n_steps:,} steps in "
        f"{human_seconds(report.seconds)}; mean loss of each epoch {losses}"
    )


def told(trained: Trained) -> dict[str, Any]:
    """As JSON."""
    return {
        "skipped": list(trained.skipped),
        "checkpoints": [
            {
                "name": report.name,
                "n_steps": report.n_steps,
                "n_new_steps": report.n_new_steps,
                "seconds": report.seconds,
                "losses": list(report.losses),
            }
            for report in trained.reports
        ],
        "failures": [
            {"name": name, "kind": failure.kind, "message": failure.message}
            for name, failure in trained.failures
        ],
    }


if __name__ == "__main__":
    from jobs.cli import verb_main

    sys.exit(verb_main("finetune"))
