"""Table 1 and Appendix A: edge probes of mixed layers and of the last one, beside the paper's numbers.

`rows`: of the table `edge_probe`.
"""

from collections.abc import Sequence
from dataclasses import replace

from analyses.paper.change import TASKS
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
BASELINES = {
    "pos": (-9.0, -13.6), "constituents": (-12.9, -24.1), "dependencies": (-15.6, -18.2),
    "entities": (-6.6, -10.0), "srl": (-13.6, -15.0), "coreference": (-5.8, -6.2), "spr": (-6.6, -12.2),
    "relations": (-20.7, -40.5),
}  # fmt: skip
"""What Lexical and Randomized lack against the base (Table 1)."""
SMALL = 3.0
"""Points that a probe may lose and the loss be called small: our choice; the paper's largest is 2.9."""
BASE, RANDOM = "base", "random"


def table1(rows: Sequence[Row], models: Models) -> list[Finding]:
    """Two findings for each task of the paper's table: fine-tuning, and the two baselines."""
    return [
        finding for task in PAPER for finding in (_tuned(rows, models, task), _baselines(rows, models, task))
    ]


def appendix_a(rows: Sequence[Row], models: Models) -> list[Finding]:
    """What fine-tuning costs probes of the last layer, against what it costs those of all layers mixed."""
    name, out = "Appendix A", []
    for who, called in TASKS.items():
        told = f"{called} costs probes of the last layer more than probes of the mix (footnote 7)"
        both = {mode: _changes(rows, models, who, mode) for mode in ("top", "mix")}
        tasks = sorted(both["top"].keys() & both["mix"].keys())
        if not tasks:
            out.append(missing(name, told, "needs appendix-a and table1 of the base and the task's models"))
            continue
        top, mix = (sum(both[mode][task] for task in tasks) / len(tasks) for mode in ("top", "mix"))
        ours = "last layer " + ", ".join(f"{task} {both['top'][task]:+.1f}" for task in tasks)
        reason = f"mean over tasks: {top:+.1f} points in the last layer, {mix:+.1f} in the mix"
        out.append(judged(name, told, ours, same=top < mix, reason=reason))
    return out


def _tuned(rows: Sequence[Row], models: Models, task: str) -> Finding:
    base_f1, deltas = PAPER[task]
    paper = ", ".join(f"{TASKS[who]} {delta:+.1f}" for who, delta in deltas.items())
    told = f"{task}: fine-tuning costs probes little (F1 {base_f1}; {paper})"
    base = _score(rows, models, task, BASE)
    there = {who: delta for who in deltas if (delta := _change(rows, models, task, who)) is not None}
    if base is None or not there:
        return missing("Table 1", told, "the study has no edge probe of this task")
    ours = f"F1 {100 * base:.1f}; " + ", ".join(f"{TASKS[who]} {delta:+.1f}" for who, delta in there.items())
    reason = f"little: at most {SMALL:g} points (our choice); other base and other data"
    return judged("Table 1", told, ours, same=min(there.values()) >= -SMALL, reason=reason)


def _baselines(rows: Sequence[Row], models: Models, task: str) -> Finding:
    lexical, random = BASELINES[task]
    told = (
        f"{task}: the embeddings alone lack much (Lexical {lexical:+.1f}), "
        f"random weights more (Randomized {random:+.1f})"
    )
    ours = (_change(rows, models, task, BASE, "lexical"), _change(rows, models, task, RANDOM))
    if ours[0] is None or ours[1] is None:
        return missing("Table 1", told, "needs table1-lexical of the base and table1 of random weights")
    found = judged(
        "Table 1", told, f"Lexical {ours[0]:+.1f}, Randomized {ours[1]:+.1f}",
        same=ours[1] < ours[0] < 0, reason="the order of base, Lexical and Randomized",
    )  # fmt: skip
    return replace(found, of_tasks=False)


def _changes(rows: Sequence[Row], models: Models, who: str, mode: str) -> dict[str, float]:
    found = {task: _change(rows, models, task, who, mode, mode) for task in PAPER}
    return {task: change for task, change in found.items() if change is not None}


def _change(  # noqa: PLR0917
    rows: Sequence[Row], models: Models, task: str, who: str, mode: str = "mix", base_mode: str = "mix"
) -> float | None:
    """Points of F1 above the base's probes."""
    f1, base = _score(rows, models, task, who, mode), _score(rows, models, task, BASE, base_mode)
    return None if f1 is None or base is None else 100 * (f1 - base)


def _score(rows: Sequence[Row], models: Models, task: str, who: str, mode: str = "mix") -> float | None:
    return mean(
        row["micro_f1_all"]
        for row in rows
        if (row["task"], row["mode"], row["split"]) == (task, mode, "test")
        and models.kind_of(row["checkpoint"]) == who
    )
