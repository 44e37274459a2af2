"""What was not learned: a task that no model learned has no verdict, a seed that failed no part in one."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from analyses.paper.change import TASKS
from analyses.paper.finding import MISSING, Finding, Models, Row, mean

METRIC = {"mnli": "accuracy", "squad": "f1", "dep": "las"}
MARGIN = {"mnli": 0.1, "squad": 10.0, "dep": 10.0}
"""How far above the majority's answer a model has learned a task: ten points, our choice."""
MAJORITY = "(majority)"
CHECKPOINTS = ("checkpoint", "checkpoint_a", "checkpoint_b")
"""Columns that name one."""


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


def failed_seeds(rows: Sequence[Row], models: Models) -> dict[str, str]:
    """Checkpoints within MARGIN of the majority's answer where others of their task are above it.

    `rows`: of `task_score`; each checkpoint is held against the majority on the corpora it was scored on.
    """
    out: dict[str, str] = {}
    for task, metric in METRIC.items():
        mine = [row for row in rows if (row["task"], row["metric"]) == (task, metric)]
        floors = {row.get("corpus"): row["value"] for row in mine if row["checkpoint"] == MAJORITY}
        above: dict[str, list[tuple[float, float]]] = {}
        for row in mine:
            if models.task_of.get(row["checkpoint"]) == task and row.get("corpus") in floors:
                above.setdefault(row["checkpoint"], []).append((row["value"], floors[row.get("corpus")]))
        failed = {
            name: max(pairs) for name, pairs in above.items() if all(a < b + MARGIN[task] for a, b in pairs)
        }
        if len(failed) < len(above):
            told = f"{metric} {{:.3g}}, the majority's answer {{:.3g}}"
            out |= {name: told.format(*pair) for name, pair in failed.items()}
    return out


def without(rows: Sequence[Row], checkpoints: Mapping[str, str]) -> list[Row]:
    """The rows that are of none of some checkpoints."""
    return [row for row in rows if not any(row.get(name) in checkpoints for name in CHECKPOINTS)]


def among(rows: Sequence[Row], checkpoints: Mapping[str, str]) -> dict[str, str]:
    """Those of some checkpoints that rows are of."""
    there = {row.get(name) for row in rows for name in CHECKPOINTS}
    return {name: why for name, why in checkpoints.items() if name in there}


def told_failed(one: Finding, failed: Mapping[str, str], models: Models) -> Finding:
    """With a word on the seeds that have no part in a verdict about their task, or about every task."""
    if not one.of_tasks or one.verdict == MISSING:
        return one
    named = [task for task, name in TASKS.items() if name in one.statement] or list(TASKS)
    left_out = [f"{name} ({why})" for name, why in failed.items() if models.task_of.get(name) in named]
    if not left_out:
        return one
    told = f"without {', '.join(left_out)}: not learned"
    return replace(one, reason="; ".join(filter(None, (one.reason, told))))


def only_learned(findings: Sequence[Finding], unlearned: Mapping[str, str]) -> list[Finding]:
    """The findings; those about a task that was not learned, or about every task, are not comparable."""
    return [_checked(one, unlearned) for one in findings]


def _checked(one: Finding, unlearned: Mapping[str, str]) -> Finding:
    if not one.of_tasks or one.verdict not in {"same direction", "differs"}:
        return one
    named = [task for task, name in TASKS.items() if name in one.statement] or list(TASKS)
    lacking = [f"{TASKS[task]} was not learned ({unlearned[task]})" for task in named if task in unlearned]
    return replace(one, verdict="not comparable", reason="; ".join(lacking)) if lacking else one
