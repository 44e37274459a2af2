"""`actstore run STUDY`: everything the study asks, in dependency order; what exists is skipped."""

import argparse
import sys

from jobs import analyse, extract, finetune
from jobs.console import Console
from jobs.options import add_log, add_study, add_workers, asked_study
from jobs.prepare import refuse_later


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    add_study(parser)
    add_workers(parser)
    add_log(parser)


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Train, then extract, then analyse."""
    study = asked_study(arguments)
    refuse_later(study)
    trained = finetune.finetune_study(study, arguments, console)
    if trained.failures:
        console.answer({"store": study.store, "trained": finetune.told(trained), "runs": [], "results": []})
        console.remark("extraction waits until every checkpoint is trained; run the same command again")
        return trained.exit_code
    reports = extract.extract_study(study, arguments, console)
    code = extract.exit_code(reports, console)
    complete = all(report.manifest is not None for report in reports)
    finished = analyse.analyse_study(study, arguments, console) if complete else []
    console.answer(
        {
            "store": study.store,
            "trained": finetune.told(trained),
            "runs": [extract.told(report) for report in reports],
            "results": [item.told() for item in finished],
        }
    )
    if not complete:
        console.remark("the analyses wait until every run is complete; run the same command again")
    return code


if __name__ == "__main__":
    from jobs.cli import verb_main

    sys.exit(verb_main("run"))
