"""`actstore report STUDY`: finished analyses as tables, figures and a page; nothing is computed."""

import argparse
import sys
from pathlib import Path

from actstore.store.results import list_results
from actstore.store.root import open_root
from jobs import analyse
from jobs.console import Console, counted
from jobs.options import add_study, asked_study
from jobs.points import append_points, known_points, score_points
from jobs.prepare import refuse_later
from jobs.reporting.finished import gather
from jobs.reporting.rows import append_rows
from jobs.reporting.write import write_report


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    add_study(parser)
    parser.add_argument(
        "--append", metavar="FILE", type=Path,
        help="add finished end-task scores to a CSV file, each once, with what they came from",
    )  # fmt: skip
    parser.add_argument(
        "--rows", metavar="FOLDER", type=Path,
        help="add all other results to STUDY-KIND.csv there, each row once, what they came from as JSON",
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
    found = gather(study, objects, results, console)
    if arguments.append is not None:
        points = [point for one in found.scores for point in score_points(objects, one, one.shown())]
        n_new = append_points(arguments.append, points)
        console.remark(
            f"{counted(n_new, 'point')} added to {arguments.append}, {len(points) - n_new} there already"
        )
    if arguments.rows is not None:
        for path, n_added in append_rows(found.pages, study.name, arguments.rows).items():
            console.remark(f"{counted(n_added, 'row')} added to {path}")
    written = write_report(study, objects, found.pages, found.missing, arguments.into or study.path.parent)
    console.remark(f"page: {written[0]}")
    console.answer(
        {
            "store": study.store,
            "page": str(written[0]),
            "results": [item.told() for item in found.finished],
            "missing": list(found.missing),
            "stale": [row for row in list_results(results) if row["stale"]],
        }
    )
    for name, reason in found.missing.items():
        console.remark(f"{name} is not finished; {reason}")
    return 1 if found.missing else 0


if __name__ == "__main__":
    from jobs.cli import verb_main

    sys.exit(verb_main("report"))
