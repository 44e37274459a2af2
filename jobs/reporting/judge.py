"""Findings of a study: its results by the names of the paper's figures and tables, each statement judged."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from actstore.errors import NotFoundError
from actstore.store import names
from actstore.store.objects import Objects
from analyses.paper.change import TASKS, figure2, figure5, single_sentence
from analyses.paper.finding import MISSING, Finding, Models, Row
from analyses.paper.layers import figure3, figure4
from analyses.paper.learned import among, failed_seeds, only_learned, told_failed, unlearned, without
from analyses.paper.syntax import appendix_b, figure1
from analyses.paper.table1 import appendix_a, table1
from jobs.reporting.section import Section
from jobs.study.study import Study

Judge = Callable[[Sequence[Row], Models], list[Finding]]
EXHIBITS: tuple[tuple[str, str, tuple[str, ...], Judge], ...] = (
    ("Figure 1", "structural_probe", ("figure1",), figure1),
    ("Table 1", "edge_probe", ("table1",), table1),
    ("Appendix A", "edge_probe", ("appendix-a", "table1"), appendix_a),
    ("Appendix B", "mdl_probe", ("appendix-b",), appendix_b),
    ("Figure 2", "similarity", ("figure2",), figure2),
    ("Figure 3", "ablation", ("figure3",), figure3),
    ("Figure 4", "ablation", ("figure4", "figure3"), figure4),
    ("Figure 5", "similarity", ("figure5",), figure5),
    ("Single sentences", "similarity", ("single-sentence",), single_sentence),
)
"""Of each exhibit: its title, the kind of result, what the results' names begin with, and its statements.
Figure 4 is compared with full fine-tuning, which is a point of figure 3; Appendix A with Table 1."""
RANDOM = "random"
"""What the names of checkpoints with random weights begin with, where the study has not drawn them itself."""


def has_exhibits(sections: Sequence[Section]) -> bool:
    """Whether a study names its results after the paper's."""
    return any(_of(sections, kind, starts) for _, kind, starts, _ in EXHIBITS)


def findings(sections: Sequence[Section], models: Models) -> list[Finding]:
    """Every statement of the paper, judged by the results of these names.

    Seeds that failed, beside others that learned their task, have no part in a verdict, and are named.
    """
    every = [row for one in sections if one.kind == "task_score" for row in one.rows]
    failed = failed_seeds(every, models)
    scores = without(every, failed)
    whole = _whole(sections, scores, models)
    found: list[Finding] = []
    for _, kind, starts, judge in EXHIBITS:
        mine = [row for one in _of(sections, kind, starts) for row in one.rows]
        if kind == "ablation":
            tasks = {row["task"] for row in whole}
            found += [_told(finding, tasks) for finding in judge([*mine, *whole], models)]
        else:
            left_out = among(mine, failed)
            found += [told_failed(one, left_out, models) for one in judge(without(mine, failed), models)]
    return only_learned(found, unlearned(scores, models))


def _whole(sections: Sequence[Section], scores: Sequence[Row], models: Models) -> list[Row]:
    """Fine-tuned models as points with nothing frozen, for tasks whose ablations have no such point."""
    ablations = [one for one in sections if one.kind == "ablation"]
    there = {row["task"] for one in ablations for row in one.rows if row["n_layers"] is None}
    blocks = [one.provenance["block"] for one in ablations]
    asked = {(block["task"], block["dev"], block["base"]) for block in blocks if block["task"] not in there}
    return [
        {**row, "kind": "freeze", "n_layers": None}
        for row in scores
        if (row["task"], row["corpus"], models.base_of.get(row["checkpoint"])) in asked
        and models.task_of.get(row["checkpoint"]) == row["task"]
    ]


def _told(finding: Finding, tasks: set[str]) -> Finding:
    """With a word on what full fine-tuning is, where it is no point of an ablation."""
    if finding.verdict == MISSING or not any(TASKS[task] in finding.statement for task in tasks):
        return finding
    named = ", ".join(sorted(TASKS[task] for task in tasks))
    return replace(finding, reason=f"{finding.reason}; all layers ({named}): the study's fine-tuned models")


def exhibit_of(section: Section) -> str | None:
    """The exhibit that a result is of."""
    for title, kind, starts, _ in EXHIBITS:
        if section.kind == kind and section.name.startswith(starts[0]):
            return title
    return None


def findings_of(section: Section, findings: Sequence[Finding]) -> list[Finding]:
    """What a result has to say of its exhibit; of a statement that begins with a probe's task, its own."""
    exhibit, tasks = exhibit_of(section), {f"{row['task']}:" for row in section.rows if row.get("task")}
    mine = [one for one in findings if one.exhibit == exhibit and one.verdict != MISSING]
    return [one for one in mine if (first := one.statement.split()[0]) in tasks or not first.endswith(":")]


def models_of(study: Study, objects: Objects) -> Models:
    """Tasks and bases as the study says; the depth of the first base that is stored."""
    given = {item.name: item.task for item in study.checkpoints if item.task is not None}
    made = {one.name: block.task for block in study.finetune for one in block.made if one.step is None}
    bases = {name: base for name, base in study.bases.items() if base is not None and name in (given | made)}
    depth = 12
    for name in dict.fromkeys((*bases.values(), *study.bases)):
        try:
            depth = names.checkpoint(objects, name).n_layers
            break
        except NotFoundError:
            continue
    randoms = {item.name for item in study.checkpoints if item.init or item.name.startswith(RANDOM)}
    return Models(task_of=given | made, base_of=bases, n_layers=depth, randoms=frozenset(randoms))


def _of(sections: Sequence[Section], kind: str, starts: tuple[str, ...]) -> list[Section]:
    return [one for one in sections if one.kind == kind and one.name.startswith(starts)]
