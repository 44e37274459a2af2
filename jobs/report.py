"""`actstore report STUDY`: tables and figures of finished analyses; nothing is computed."""

import argparse
import sys

from actstore.store.results import list_results
from actstore.store.root import open_root
from jobs import analyse
from jobs.console import Console
from jobs.drift import plan_drift_block, show_drift, shown_drift
from jobs.options import add_study, asked_study
from jobs.prepare import refuse_later
from jobs.similarity import plan_similarity, shown


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    add_study(parser)


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Print what is finished; exit 1 where an analysis of the study is not."""
    study = asked_study(arguments)
    refuse_later(study)
    objects = open_root(study.store)
    results = analyse.results_of(study, objects)
    finished: list[analyse.AnyFinished] = []
    missing = []
    for block in study.similarity:
        planned = plan_similarity(objects, results, study, block)
        if planned.writer.find() is None:
            missing.append(block.name)
            continue
        item = shown(planned)
        analyse.show(item, console)
        finished.append(item)
    for given in study.drift:
        drift = plan_drift_block(objects, results, study, given)
        if drift.writer.provenance() is None:
            missing.append(given.name)
            continue
        moved = shown_drift(drift)
        show_drift(moved, console)
        finished.append(moved)
    for other in analyse.plan_others(objects, results, study, analyse.chosen(study, [])):
        if other.writer.provenance() is None:
            missing.append(other.name)
            continue
        done = other.shown()
        done.show(console)
        finished.append(done)
    console.answer(
        {
            "store": study.store,
            "results": [analyse.told(item) for item in finished],
            "missing": missing,
            "stale": [row for row in list_results(results) if row["stale"]],
        }
    )
    for name in missing:
        console.remark(f"{name} is not finished; run `actstore analyse {arguments.study} {name}`")
    return 1 if missing else 0


if __name__ == "__main__":
    from jobs.cli import verb_main

    sys.exit(verb_main("report"))
