"""Figure 1 and Appendix B: what probes of syntax find. `rows`: of `structural_probe` and of `mdl_probe`."""

from collections.abc import Sequence

from analyses.paper.finding import Finding, Models, Row, judged, mean, missing

BASE = "base"
SMALL = 0.05
"""Share of a code length that is called a small difference: our choice (the paper says minimal)."""


def figure1(rows: Sequence[Row], models: Models) -> list[Finding]:
    """Structural probes of the last layers, test split."""
    n, name = models.n_layers, "Figure 1"
    dep = "Fine-tuning on Dep makes trees easier to find in the upper layers"
    others = "MNLI and SQuAD stay close to the base, with small drops in the last layer"
    base = next(
        (models.base_of[row["checkpoint"]] for row in rows if row["checkpoint"] in models.base_of), None
    )
    at_last = {task: mean(_values(rows, models, task, n)) for task in ("dep", "mnli", "squad")} | {
        "base": mean(_values(rows, models, base, n))
    }
    if None in at_last.values():
        return [
            missing(name, told, "needs probes of the base and of each task's models")
            for told in (dep, others)
        ]
    change = {
        task: (value or 0.0) - (at_last["base"] or 0.0) for task, value in at_last.items() if task != "base"
    }
    told = f"distance Spearman at layer {n}: base {at_last['base']:.3f}"
    return [
        judged(name, dep, f"{told}, Dep {change['dep']:+.3f}", same=change["dep"] > 0),
        judged(name, others, f"{told}, MNLI {change['mnli']:+.3f}, SQuAD {change['squad']:+.3f}",
               same=all(-0.1 < change[task] <= 0 for task in ("mnli", "squad")),
               reason="a small drop: below 0.1 (our choice)"),
    ]  # fmt: skip


def appendix_b(rows: Sequence[Row], models: Models) -> list[Finding]:
    """Code lengths of mixed layers."""
    name = "Appendix B"
    cheaper = "Fine-tuning on Dep makes dependencies cheaper to learn"
    little = "MNLI and SQuAD change code lengths minimally"
    found: dict[tuple[str, str], float] = {}
    bases = set(models.base_of.values())
    for row in rows:
        who = models.task_of.get(row["checkpoint"]) or (BASE if row["checkpoint"] in bases else "")
        found[row["task"], who] = row["codelength_bits"]
    change = {
        key: value / found[key[0], "base"] - 1 for key, value in found.items() if (key[0], "base") in found
    }
    dep = change.get(("dependencies", "dep"))
    others = {key: value for key, value in change.items() if key[1] in {"mnli", "squad"}}
    out = []
    if dep is None:
        out.append(missing(name, cheaper, "needs appendix-b of the base and a Dep model"))
    else:
        out.append(judged(name, cheaper, f"{dep:+.1%} bits", same=dep < 0))
    if not others:
        return [*out, missing(name, little, "needs appendix-b of the base, MNLI and SQuAD models")]
    told = ", ".join(f"{task} of {who} {value:+.1%}" for (task, who), value in others.items())
    reason = f"minimal: within {SMALL:.0%} (our choice)"
    return [*out, judged(name, little, told, same=max(map(abs, others.values())) <= SMALL, reason=reason)]


def _values(rows: Sequence[Row], models: Models, who: str | None, layer: int) -> list[float | None]:
    return [
        row["spearman"]
        for row in rows
        if (row["kind"], row["split"], row["layer"]) == ("distance", "test", layer)
        and who in {row["checkpoint"], models.task_of.get(row["checkpoint"])}
    ]
