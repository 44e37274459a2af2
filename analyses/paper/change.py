"""Figures 2 and 5: where a model changes, and for which inputs. `rows`: of the table `similarity`."""

from collections.abc import Sequence

import numpy as np

from analyses.paper.finding import Finding, Models, Row, judged, mean, missing

TASKS = {"mnli": "MNLI", "squad": "SQuAD", "dep": "Dep"}
ALIKE = 0.95
"""From here on a layer is called like the base's: our choice, the paper says it of a figure."""
SAME_TREND = 0.8
"""Rank correlation over layers from which two curves are said to have one trend: our choice."""


def figure2(rows: Sequence[Row], models: Models) -> list[Finding]:
    """What each task changes, on Wikipedia."""
    name = "Figure 2"
    n = models.n_layers
    curve = {task: _curve(rows, models, task) for task in TASKS}
    last = "The last layer changes most, for every task"
    first = (
        f"MNLI's second-to-last layer has similarity 0.84 ± 0.02 to the base (11 of 12; here {n - 1} of {n})"
    )
    deep = "Dep departs from the base lower down than MNLI and SQuAD (from layer 4 or 5 of 12)"
    like = "SQuAD stays like the base through layer 7 of 12"
    if not all(curve.values()):
        return [missing(name, told, "needs a model of each task") for told in (last, first, deep, like)]
    lowest = {task: min(found, key=lambda layer: found[layer]) for task, found in curve.items()}
    second = curve["mnli"].get(n - 1)
    middle, seventh = models.at(5), models.at(7)
    at_middle = {task: found[middle] for task, found in curve.items()}
    return [
        judged(name, last, _told({task: curve[task][n] for task in TASKS}, f"layer {n}"),
               same=all(layer == n for layer in lowest.values()),
               reason="lowest at layer " + ", ".join(f"{lowest[t]} ({TASKS[t]})" for t in TASKS)),
        Finding(exhibit=name, statement=first, ours="–" if second is None else f"{second:.3f}",  # noqa: RUF001
                verdict="not comparable",
                reason="another base model, and other data for the task: the number itself can not be met"),
        judged(name, deep, _told(at_middle, f"layer {middle}"),
               same=at_middle["dep"] < min(at_middle["mnli"], at_middle["squad"]),
               reason=f"compared at layer {middle} of {n}, as deep as layer 5 of 12"),
        judged(name, like, f"{curve['squad'][seventh]:.3f} at layer {seventh}",
               same=curve["squad"][seventh] >= ALIKE, reason=f"like: {ALIKE} and more (our choice)"),
    ]  # fmt: skip


def figure5(rows: Sequence[Row], models: Models) -> list[Finding]:
    """Inputs of the task against Wikipedia."""
    out = []
    for task, corpus in (("mnli", "nli-inputs"), ("squad", "qa-inputs")):
        told = f"Inputs of its own task change more in the {TASKS[task]} model than Wikipedia does"
        own, other = (_curve(rows, models, task, one).get(models.n_layers) for one in (corpus, "wikipedia"))
        if own is None or other is None:
            out.append(missing("Figure 5", told, f"needs figure5 over {corpus} and wikipedia"))
            continue
        ours = f"last layer: {own:.3f} on its own inputs, {other:.3f} on Wikipedia"
        if task == "squad":
            # new_wiki is Wikipedia itself in another format
            reason = "our questions are about Wikipedia itself, so the two domains differ in format alone"
            out.append(
                Finding(
                    exhibit="Figure 5", statement=told, ours=ours, verdict="not comparable", reason=reason
                )
            )
        else:
            out.append(judged("Figure 5", told, ours, same=own < other))
    return out


def single_sentence(rows: Sequence[Row], models: Models) -> list[Finding]:
    """Premises and questions alone."""
    out = []
    parts = (("mnli", "nli-inputs", "nli-premises"), ("squad", "qa-inputs", "qa-questions"))
    for task, pair, part in parts:
        told = (
            f"One sentence of each pair alone gives the same trend over layers ({TASKS[task]}; footnote 10)"
        )
        whole, alone = (_curve(rows, models, task, one) for one in (pair, part))
        layers = sorted(set(whole) & set(alone) - {0})
        if len(layers) < 3:
            out.append(missing("Single sentences", told, f"needs single-sentence over {pair} and {part}"))
            continue
        rank = _rank_correlation([whole[k] for k in layers], [alone[k] for k in layers])
        ours = f"rank correlation {rank:.2f} over {len(layers)} layers"
        reason = f"one trend: {SAME_TREND} and more (our choice)"
        out.append(judged("Single sentences", told, ours, same=rank >= SAME_TREND, reason=reason))
    return out


def _curve(rows: Sequence[Row], models: Models, task: str, corpus: str = "wikipedia") -> dict[int, float]:
    """RSA with the base by layer, the mean over the task's models and, of samples, over them."""
    found: dict[int, list[float]] = {}
    for row in rows:
        mine = models.task_of.get(row["checkpoint_b"]) == task and row["measure"] == "rsa"
        if mine and row["corpus"] == corpus and row["layer_a"] == row["layer_b"] and row["value"] is not None:
            found.setdefault(row["layer_a"], []).append(row["value"])
    return {layer: value for layer, values in found.items() if (value := mean(values)) is not None}


def _told(values: dict[str, float], where: str) -> str:
    return f"{where}: " + ", ".join(f"{TASKS[task]} {value:.3f}" for task, value in values.items())


def _rank_correlation(a: Sequence[float], b: Sequence[float]) -> float:
    """Spearman's, of values without ties."""
    rank_a, rank_b = (np.argsort(np.argsort(values)) for values in (a, b))
    return float(np.corrcoef(rank_a, rank_b)[0, 1])
