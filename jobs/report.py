"""`actstore report STUDY`: finished analyses as tables, figures and a page; nothing is computed."""

import argparse
import sys
from pathlib import Path

from actstore.store.results import list_results
from actstore.store.root import open_root
from analyses.report import drift_table
from jobs import analyse
from jobs.console import Console, counted
from jobs.drift import plan_drift_block, show_drift, shown_drift
from jobs.options import add_study, asked_study
from jobs.points import Point, append_points, known_points, score_points
from jobs.prepare import refuse_later
from jobs.reporting.write import Shown, write_report
from jobs.similarity import plan_similarity, shown
from jobs.task_score import PlannedScore


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    add_study(parser)
    parser.add_argument(
        "--append", metavar="FILE", type=Path,
        help="add finished end-task scores to a CSV file, each once, with what they came from",
    )  # fmt: skip
    parser.add_argument(
        "--into", metavar="FOLDER", type=Path,
        help="write the page STUDY-report.html and .md there (default: beside the study file)",
    )  # fmt: skip


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Print what is finished; exit 1 where an analysis of the study is not."""
    study = asked_study(arguments)
    refuse_later(study)
    if arguments.append is not None:
        known_points(arguments.append)
    objects = open_root(study.store)
    results = analyse.results_of(study, objects)
    finished: list[analyse.AnyFinished] = []
    missing = []
    pages: list[Shown] = []
    points: list[Point] = []
    for block in study.similarity:
        planned = plan_similarity(objects, results, study, block)
        if planned.writer.find() is None:
            missing.append(block.name)
            continue
        item = shown(planned)
        analyse.show(item, console)
        pages.append((planned.writer, analyse.told(item), item.texts))
        finished.append(item)
    for given in study.drift:
        drift = plan_drift_block(objects, results, study, given)
        if drift.writer.provenance() is None:
            missing.append(given.name)
            continue
        moved = shown_drift(drift)
        show_drift(moved, console)
        pages.append((drift.writer, {}, (drift_table(moved.summary),)))
        finished.append(moved)
    for other in analyse.plan_others(objects, results, study, analyse.chosen(study, [])):
        if other.writer.provenance() is None:
            missing.append(other.name)
            continue
        done = other.shown()
        done.show(console)
        pages.append((other.writer, done.told(), tuple(getattr(done, "texts", ()))))
        finished.append(done)
        if isinstance(other, PlannedScore):
            points += score_points(objects, other, other.shown())
    if arguments.append is not None:
        n_new = append_points(arguments.append, points)
        console.remark(
            f"{counted(n_new, 'point')} added to {arguments.append}, {len(points) - n_new} there already"
        )
    written = write_report(study, objects, pages, missing, arguments.into or study.path.parent)
    console.remark(f"page: {written[0]}")
    console.answer(
        {
            "store": study.store,
            "page": str(written[0]),
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
