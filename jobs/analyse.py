"""`actstore analyse STUDY [NAME...]`: the study's analyses, from the store; only ablations train anything."""

import argparse
import sys
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

from actstore.errors import StudyError
from actstore.schema.ports import Resources
from actstore.store.objects import Objects
from actstore.store.places import open_objects
from actstore.store.root import check_format, create_root, open_root
from jobs.ablating.prepare import store_corpora
from jobs.ablation import PlannedAblation, plan_ablation
from jobs.analysis import FinishedAnalysis, PlannedAnalysis
from jobs.console import Console
from jobs.drift import plan_drift_block
from jobs.edge import plan_edge
from jobs.executors import NoExecutor, gpus_per_worker, open_executor
from jobs.extension import plan_extension_block
from jobs.mdl import plan_mdl
from jobs.options import add_study, add_workers, asked_study
from jobs.prepare import refuse_later
from jobs.similarity import plan_similarity
from jobs.structural import plan_structural
from jobs.study.study import Study
from jobs.task_score import plan_score, scored_blocks
from jobs.word import plan_word

PLANNERS: dict[str, Callable[[Objects, Objects, Study, Any], PlannedAnalysis]] = {
    "similarity": plan_similarity,
    "drift": plan_drift_block,
    "edge_probe": plan_edge,
    "word_probe": plan_word,
    "structural_probe": plan_structural,
    "mdl_probe": plan_mdl,
    "finetune": plan_score,
    "ablation": plan_ablation,
    "analysis": plan_extension_block,
}
"""How each kind of analysis is planned, in the order they are done."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    add_study(parser)
    parser.add_argument("names", metavar="NAME", nargs="*", help="only these analyses")
    add_workers(parser)


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Run the analyses."""
    study = asked_study(arguments)
    refuse_later(study)
    finished = analyse_study(study, arguments, console)
    console.answer({"store": study.store, "results": [item.told() for item in finished]})
    return 0


def analyse_study(study: Study, arguments: argparse.Namespace, console: Console) -> list[FinishedAnalysis]:
    """Every analysis of a study (or the named ones): planned first, so that mistakes are known at once."""
    wanted = chosen(study, getattr(arguments, "names", []))
    objects = open_root(study.store)
    results = results_of(study, objects)
    store_corpora(study, objects, [block for block in study.ablation if block.name in wanted])
    planned = plan_blocks(objects, results, study, wanted)
    # What is there already needs nobody to compute it.
    some_left = any(item.writer.provenance() is None for item in planned)
    opened = open_executor(arguments, stores=[objects], models=_models(planned))
    finished = []
    with opened if some_left else nullcontext(NoExecutor()) as executor:
        if some_left and study.results is not None:
            create_root(study.results)
        resources = Resources(threads=arguments.threads, cpus=float(arguments.threads))
        for item in planned:
            gpus = gpus_per_worker(executor) if item.device in {"auto", "cuda"} else 0.0
            done = item.run(executor, replace(resources, gpus=gpus), console)
            done.show(console)
            if done.n_computed == 0:
                console.remark(f"{done.kind} {done.name}: it was there already, nothing was computed")
            finished.append(done)
    return finished


def plan_blocks(objects: Objects, results: Objects, study: Study, wanted: set[str]) -> list[PlannedAnalysis]:
    """The wanted analyses. Raises where one can not be done; computes nothing."""
    return [
        plan(objects, results, study, block)
        for kind, plan in PLANNERS.items()
        for block in getattr(study, kind)
        if block.name in wanted
    ]


def _models(planned: list[PlannedAnalysis]) -> list[Path]:
    """Local folders of the models that workers train."""
    return sorted({path for item in planned if isinstance(item, PlannedAblation) for path in item.models})


def results_of(study: Study, objects: Objects) -> Objects:
    """Where a study's results go: inside the store, unless it says otherwise. Makes nothing."""
    if study.results is None:
        return objects
    place = open_objects(study.results)
    check_format(place)
    return place


def chosen(study: Study, asked: list[str]) -> set[str]:
    """The names of the analyses to run. Raises StudyError for a name that the study has not."""
    there = [*(block.name for block in scored_blocks(study)), *(block.name for _, block in study.analyses)]
    for name in asked:
        if name not in there:
            raise StudyError(f"{study.path} has no analysis {name!r}; it has {', '.join(there) or 'none'}")
    return set(asked or there)


if __name__ == "__main__":
    from jobs.cli import verb_main

    sys.exit(verb_main("analyse"))
