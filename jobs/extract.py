"""`actstore extract STUDY`: run each checkpoint once over each corpus and store its activations."""

import argparse
import sys
import time
from typing import Any

from actstore.errors import UnitsFailedError
from actstore.extract.driver import SHARDS_IN_HAND, RunPlan, RunReport, extract_runs, memory_bytes
from actstore.extract.load import open_checkpoint
from actstore.schema.ports import Outcome, Resources
from actstore.schema.receipts import Receipt
from actstore.store.objects import Objects, open_objects
from actstore.store.root import check_format, create_root
from actstore.store.runs import missing_shards
from jobs.console import Console, human_bytes, human_seconds
from jobs.executors import open_executor
from jobs.options import add_study, add_workers
from jobs.prepare import (
    Described,
    check_described,
    describe_study,
    extractor_arguments,
    make_ready,
    refuse_later,
    remark_readings,
)
from jobs.study.load import load_study
from jobs.study.study import Study


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    add_study(parser)
    add_workers(parser)


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Extract everything a study asks for that is not stored yet."""
    study = load_study(arguments.study, store=arguments.store)
    refuse_later(study)
    reports = extract_study(study, arguments, console)
    console.answer({"store": study.store, "runs": [told(report) for report in reports]})
    return exit_code(reports, console)


def extract_study(study: Study, arguments: argparse.Namespace, console: Console) -> list[RunReport]:
    """Describe, check, prepare and run; what is stored already is not run again."""
    described = describe_study(study)
    remark_readings(described, console)
    place = open_objects(study.store)
    check_described(described, place if check_format(place) else None)
    objects = create_root(study.store)
    plans = make_ready(described, objects)
    missing = sum(len(missing_shards(objects, plan.spec)) for plan in plans)
    if not missing:
        reports = extract_runs(objects, plans, _NoExecutor(), Resources(), open_extractor=open_checkpoint,
                               checkpoints={})  # fmt: skip
        console.remark(f"all {len(plans)} runs are stored already in {objects.url}; no model was run")
        return reports
    return _extract_missing(described, plans, missing, objects, arguments, console)


def _extract_missing(  # noqa: PLR0917  the parts of one command, used once
    described: Described,
    plans: list[RunPlan],
    missing: int,
    objects: Objects,
    arguments: argparse.Namespace,
    console: Console,
) -> list[RunReport]:
    resources = Resources(
        threads=arguments.threads,
        cpus=float(arguments.threads),
        gpus=0.0,
        overlap=SHARDS_IN_HAND,
        memory_bytes=max(memory_bytes(plan.spec) for plan in plans),
    )
    local = objects.local_path("")
    started = time.monotonic()
    n_tokens = n_bytes = 0
    with (
        open_executor(
            arguments, folders=[local] if local is not None else [], readable=described.model_folders()
        ) as executor,
        console.progress("extracting shards", missing) as bar,
    ):
        console.remark(
            f"{missing} shards of {len(plans)} runs to compute on {executor.n_workers} workers, "
            f"{human_bytes(resources.memory_bytes)} of memory each at most beside the model"
        )

        def on_receipt(plan: RunPlan, receipt: Receipt, outcome: Outcome) -> None:
            nonlocal n_tokens, n_bytes
            n_tokens += receipt.n_tokens
            n_bytes += sum(item.bytes for item in receipt.objects)
            rate = n_tokens / (time.monotonic() - started)
            bar.advance(1, f"{plan.checkpoint} over {plan.corpus}: {rate:,.0f} tokens/s")

        reports = extract_runs(
            objects,
            plans,
            executor,
            resources,
            open_extractor=open_checkpoint,
            checkpoints=extractor_arguments(described, plans, threads=arguments.threads),
            on_receipt=on_receipt,
        )
    seconds = time.monotonic() - started
    console.remark(
        f"{n_tokens:,} tokens in {human_seconds(seconds)} ({n_tokens / seconds:,.0f} tokens/s), "
        f"{human_bytes(n_bytes)} written to {objects.url}"
    )
    return reports


class _NoExecutor:
    """Stands where nothing is left to do."""

    n_workers = 0

    def map(self, work: Any, units: Any, resources: Any) -> Any:
        raise UnitsFailedError("there is nothing to do, and yet work was handed out")


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
