"""Table 1: edge probes of mixed layers; the paper's numbers, and whether ours move the same way."""

from collections.abc import Sequence

from analyses.paper.finding import Finding, Models, Row, judged, mean, missing

PAPER = {
    "pos": (97.5, {"mnli": -0.2, "squad": -1.5, "dep": -0.2}),
    "constituents": (84.4, {"mnli": -2.2, "squad": 0.1, "dep": 4.4}),
    "dependencies": (95.5, {"mnli": -0.5, "squad": -2.5, "dep": 0.2}),
    "entities": (96.2, {"mnli": -0.3, "squad": -0.9, "dep": -0.6}),
    "srl": (92.9, {"mnli": -0.4, "squad": -2.9, "dep": -0.5}),
    "coreference": (95.7, {"mnli": -0.5, "squad": -0.8, "dep": -1.2}),
    "spr": (84.6, {"mnli": -0.7, "squad": -0.4, "dep": -1.2}),
    "relations": (79.5, {"mnli": -0.8, "squad": -0.4, "dep": -2.5}),
}
"""Micro-F1 of the base on the test set, and what each fine-tuning adds (Table 1)."""
SMALL = 3.0
"""Points that a probe may lose and the loss be called small: our choice; the paper's largest is 2.9."""


def table1(rows: Sequence[Row], models: Models) -> list[Finding]:
    """A finding for each task of the paper's table."""
    out = []
    for task, (base_f1, deltas) in PAPER.items():
        paper = ", ".join(f"{who} {delta:+.1f}" for who, delta in deltas.items())
        told = f"{task}: fine-tuning costs probes little (F1 {base_f1}; {paper})"
        scores = {who: _score(rows, models, task, who) for who in ("base", *deltas)}
        base = scores.pop("base")
        there = {who: 100 * (f1 - (base or 0.0)) for who, f1 in scores.items() if f1 is not None}
        if base is None or not there:
            out.append(missing("Table 1", told, "the study has no edge probe of this task"))
            continue
        ours = f"F1 {100 * base:.1f}; " + ", ".join(f"{who} {delta:+.1f}" for who, delta in there.items())
        reason = f"little: at most {SMALL:g} points (our choice); other base and other data"
        out.append(judged("Table 1", told, ours, same=min(there.values()) >= -SMALL, reason=reason))
    return out


def _score(rows: Sequence[Row], models: Models, task: str, who: str) -> float | None:
    bases = set(models.base_of.values())
    return mean(
        row["micro_f1_all"]
        for row in rows
        if (row["task"], row["mode"], row["split"]) == (task, "mix", "test")
        and (row["checkpoint"] in bases if who == "base" else models.task_of.get(row["checkpoint"]) == who)
    )
