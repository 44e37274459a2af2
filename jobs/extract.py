"""`actstore extract STUDY`: run each checkpoint once over each corpus and store its activations."""

import argparse
import sys
from functools import partial
from typing import Any

from actstore.cluster.metrics import RayMetrics
from actstore.extract.driver import RunPlan, RunReport, extract_runs
from actstore.extract.load import open_checkpoint
from actstore.extract.summary import store_summary
from actstore.schema.ports import Resources
from actstore.store.objects import Objects
from actstore.store.places import open_objects
from actstore.store.root import check_format, create_root
from actstore.store.runs import missing_of_runs
from jobs.console import Console, counted, human_bytes
from jobs.executors import AnyExecutor, NoExecutor, open_executor, workers_for
from jobs.loading import check_loading
from jobs.log import Log, open_log
from jobs.options import add_log, add_study, add_workers, asked_study
from jobs.prepare import (
    Described,
    check_described,
    describe_study,
    extractor_arguments,
    make_ready,
    refuse_later,
    remark_readings,
    stored_plans,
)
from jobs.room import check_room
from jobs.study.study import Study
from jobs.training.trained import stored_checkpoint
from jobs.watch import Watch, tell_summary
from jobs.workers import worker_resources


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    add_study(parser)
    add_workers(parser)
    add_log(parser)


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Extract everything a study asks for that is not stored yet."""
    study = asked_study(arguments)
    refuse_later(study)
    reports = extract_study(study, arguments, console)
    console.answer({"store": study.store, "runs": [told(report) for report in reports]})
    return exit_code(reports, console)


def extract_study(study: Study, arguments: argparse.Namespace, console: Console) -> list[RunReport]:
    """Describe, check, prepare and run; what is stored already is not run again."""
    place = open_objects(study.store)
    there = place if check_format(place) else None
    described = describe_study(study, partial(stored_checkpoint, study, there))
    remark_readings(described, console)
    check_described(described, there)
    if not described.needed:
        create_root(study.store)
        console.remark("no run is asked for; nothing was extracted")
        return []
    stored = None if there is None else stored_plans(described, there)
    if stored is not None and not n_missing(place, stored):
        return _tell_stored(described, place, console)
    check_room(described, place, there)
    # Whatever can still refuse the request does so before the first write.
    with (
        open_log(arguments.log) as log,
        open_executor(
            arguments, stores=[place], models=described.model_folders(), tell=console.remark
        ) as executor,
    ):
        check_loading(described, executor, threads=arguments.threads)
        objects = create_root(study.store)
        return _extract_missing(described, objects, executor, arguments, console=console, log=log)


def n_missing(objects: Objects, plans: list[RunPlan]) -> int:
    """Shards that the runs lack."""
    specs = {plan.spec.run_id: plan.spec for plan in plans}
    return sum(len(shards) for shards in missing_of_runs(objects, list(specs.values())).values())


def _tell_stored(described: Described, objects: Objects, console: Console) -> list[RunReport]:
    """Nothing to compute: bind what has no name yet, seal what is not sealed."""
    plans = make_ready(described, objects, console)
    reports = extract_runs(objects, plans, NoExecutor(), Resources(), open_extractor=open_checkpoint,
                           checkpoints={})  # fmt: skip
    console.remark(
        f"{counted(len(plans), 'run')} asked for, all stored in {objects.url} already; no model was run"
    )
    return reports


def _extract_missing(
    described: Described,
    objects: Objects,
    executor: AnyExecutor,
    arguments: argparse.Namespace,
    *,
    console: Console,
    log: Log,
) -> list[RunReport]:
    plans = make_ready(described, objects, console)
    missing = n_missing(objects, plans)
    resources = worker_resources(described, plans, objects, executor, threads=arguments.threads)
    with console.progress("extracting shards", missing) as bar:
        console.remark(
            f"{counted(missing, 'shard')} of {counted(len(plans), 'run')} to compute on "
            f"{counted(workers_for(executor, resources, missing), 'worker')}, "
            f"{human_bytes(resources.memory_bytes)} of memory each at most beside its libraries"
            + (", the next checkpoint loaded while one computes" if resources.ahead else "")
        )
        watch = Watch(bar, log, None if arguments.ray_address == "none" else RayMetrics())
        reports = extract_runs(
            objects,
            plans,
            executor,
            resources,
            open_extractor=open_checkpoint,
            checkpoints=extractor_arguments(described, threads=arguments.threads),
            on_receipt=watch.receipt,
            on_failure=watch.failure,
        )
        summary = watch.end()
    store_summary(objects, summary)
    tell_summary(summary, objects.url, console)
    return reports


def exit_code(reports: list[RunReport], console: Console) -> int:
    """0 where every run is complete; what failed or was left out is told, and gives 1."""
    code = 0
    for report in reports:
        pair = f"{report.plan.checkpoint} over {report.plan.corpus}"
        for failure in dict.fromkeys(
            (item.kind, item.message, item.request_error) for item in report.failures
        ):
            console.remark(f"{pair}: {failure[0]}: {failure[1]}")
            code = max(code, 1)
        for item in report.quarantined:
            console.remark(f"{pair}: example {item.example} is left out: {item.reason}")
            code = max(code, 1)
        if report.manifest is None and not report.failures:
            console.remark(f"{pair}: not complete")
            code = max(code, 1)
    everything = [item for report in reports for item in report.failures]
    if (
        everything
        and all(item.request_error for item in everything)
        and not any(report.n_new_shards for report in reports)
    ):
        return 2
    return code


def told(report: RunReport) -> dict[str, Any]:
    """A report as JSON."""
    spec, manifest = report.plan.spec, report.manifest
    return {
        "run_id": spec.run_id,
        "checkpoint": report.plan.checkpoint,
        "corpus": report.plan.corpus,
        "n_shards": spec.n_shards,
        "n_new_shards": report.n_new_shards,
        "complete": manifest is not None,
        "content_sha256": None if manifest is None else manifest.content_sha256,
        "quarantined": [{"example": item.example, "reason": item.reason} for item in report.quarantined],
        "failures": [{"kind": item.kind, "message": item.message} for item in report.failures],
    }


if __name__ == "__main__":
    from jobs.cli import verb_main

    sys.exit(verb_main("extract"))
