"""gather: what of a study is finished, and what is not with the reason. Computes nothing."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from actstore.errors import IncompleteRunError, NotFoundError
from actstore.store.objects import Objects
from analyses.report import drift_table
from jobs import analyse
from jobs.console import Console
from jobs.drift import plan_drift_block, show_drift, shown_drift
from jobs.reporting.write import Shown
from jobs.similarity import plan_similarity, shown
from jobs.study.study import Study
from jobs.task_score import PlannedScore, scored_blocks

Planner = Callable[[Objects, Objects, Study, Any], Any]
NOT_THERE = (NotFoundError, IncompleteRunError)
"""What planning an analysis raises while something that it reads is not there."""


@dataclass(frozen=True, slots=True)
class Gathered:
    """Results in the order of the page."""

    finished: list[analyse.AnyFinished] = field(default_factory=list)
    pages: list[Shown] = field(default_factory=list)
    scores: list[PlannedScore] = field(default_factory=list)
    missing: dict[str, str] = field(default_factory=dict)
    """Names of analyses that are not finished, and what to do."""


def gather(study: Study, objects: Objects, results: Objects, console: Console) -> Gathered:
    """Everything that is finished, shown on the console; the rest is missing, whatever it waits for."""
    found = Gathered()

    def take(block: Any, plan: Planner, add: Callable[[Any], None]) -> None:
        name = block.name
        try:
            planned = plan(objects, results, study, block)
        except NOT_THERE as error:
            found.missing[name] = str(error)
            return
        if planned.writer.provenance() is None:
            found.missing[name] = f"run `actstore analyse {study.path} {name}`"
        else:
            add(planned)

    def similarity(planned: Any) -> None:
        item = shown(planned)
        analyse.show(item, console)
        found.pages.append((planned.writer, analyse.told(item), item.texts))
        found.finished.append(item)

    def drift(planned: Any) -> None:
        moved = shown_drift(planned)
        show_drift(moved, console)
        found.pages.append((planned.writer, {}, (drift_table(moved.summary),)))
        found.finished.append(moved)

    def other(planned: Any) -> None:
        done = planned.shown()
        done.show(console)
        found.pages.append((planned.writer, done.told(), tuple(getattr(done, "texts", ()))))
        found.finished.append(done)
        if isinstance(planned, PlannedScore):
            found.scores.append(planned)

    for block in study.similarity:
        take(block, plan_similarity, similarity)
    for given in study.drift:
        take(given, plan_drift_block, drift)
    scored = {block.name for block in scored_blocks(study)}
    for kind, plan in analyse.PLANNERS.items():
        for one in getattr(study, kind):
            if kind != "finetune" or one.name in scored:
                take(one, plan, other)
    return found
