"""gather: what of a study is finished, and what is not with the reason. Computes nothing."""

from dataclasses import dataclass, field

from actstore.errors import IncompleteRunError, NotFoundError
from actstore.store.objects import Objects
from jobs import analyse
from jobs.analysis import FinishedAnalysis, PlannedAnalysis
from jobs.console import Console
from jobs.reporting.write import Shown
from jobs.study.study import Study
from jobs.task_score import PlannedScore, scored_blocks

NOT_THERE = (NotFoundError, IncompleteRunError)
"""What planning an analysis raises while something that it reads is not there."""


@dataclass(frozen=True, slots=True)
class Gathered:
    """Results in the order of the page."""

    finished: list[FinishedAnalysis] = field(default_factory=list)
    pages: list[Shown] = field(default_factory=list)
    scores: list[PlannedScore] = field(default_factory=list)
    missing: dict[str, str] = field(default_factory=dict)
    """Names of analyses that are not finished, and what to do."""


def gather(study: Study, objects: Objects, results: Objects, console: Console) -> Gathered:
    """Everything that is finished, shown on the console; the rest is missing, whatever it waits for."""
    found = Gathered()

    scored = {block.name for block in scored_blocks(study)}
    for kind, plan in analyse.PLANNERS.items():
        for block in getattr(study, kind):
            if kind == "finetune" and block.name not in scored:
                continue
            try:
                planned = plan(objects, results, study, block)
            except NOT_THERE as error:
                found.missing[block.name] = str(error)
                continue
            if planned.writer.provenance() is None:
                found.missing[block.name] = f"run `actstore analyse {study.path} {block.name}`"
            else:
                _take(found, planned, console)
    return found


def _take(found: Gathered, planned: PlannedAnalysis, console: Console) -> None:
    done = planned.shown()
    done.show(console)
    found.pages.append((planned.writer, done.told(), tuple(getattr(done, "texts", ()))))
    found.finished.append(done)
    if isinstance(planned, PlannedScore):
        found.scores.append(planned)
