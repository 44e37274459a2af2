"""only_learned: a statement about a task whose models did not learn it has no verdict."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from analyses.paper.change import TASKS
from analyses.paper.finding import Finding, Models, Row, mean

METRIC = {"mnli": "accuracy", "squad": "f1", "dep": "las"}
MARGIN = {"mnli": 0.1, "squad": 10.0, "dep": 10.0}
"""How far above the majority's answer a model has learned a task: ten points, our choice."""
MAJORITY = "(majority)"


def unlearned(rows: Sequence[Row], models: Models) -> dict[str, str]:
    """Tasks whose models are within MARGIN of the majority's answer. `rows`: of `task_score`."""
    out = {}
    for task, metric in METRIC.items():
        mine = [row for row in rows if (row["task"], row["metric"]) == (task, metric)]
        found = mean(row["value"] for row in mine if models.task_of.get(row["checkpoint"]) == task)
        floor = mean(row["value"] for row in mine if row["checkpoint"] == MAJORITY)
        if found is not None and floor is not None and found < floor + MARGIN[task]:
            out[task] = f"{metric} {found:.3g}, the majority's answer {floor:.3g}"
    return out


def only_learned(findings: Sequence[Finding], unlearned: Mapping[str, str]) -> list[Finding]:
    """The findings; those about a task that was not learned, or about every task, are not comparable."""
    return [_checked(one, unlearned) for one in findings]


def _checked(one: Finding, unlearned: Mapping[str, str]) -> Finding:
    if not one.of_tasks or one.verdict not in {"same direction", "differs"}:
        return one
    named = [task for task, name in TASKS.items() if name in one.statement] or list(TASKS)
    lacking = [f"{TASKS[task]} was not learned ({unlearned[task]})" for task in named if task in unlearned]
    return replace(one, verdict="not comparable", reason="; ".join(lacking)) if lacking else one
