"""Figures 3 and 4: how many layers a task needs. `rows`: of the table `ablation`."""

from collections.abc import Sequence

from analyses.paper.finding import Finding, Models, Row, judged, mean, missing

METRIC = {"mnli": "accuracy", "squad": "f1", "dep": "las"}
SCALE = {"mnli": 100.0, "squad": 1.0, "dep": 1.0}
"""Scores to points of a hundred."""
COMPARABLE = 2.0
"""Points within which a score is comparable to full fine-tuning's: our choice."""
Scores = dict[int | None, float]


def figure3(rows: Sequence[Row], models: Models) -> list[Finding]:
    """Freezing: points lost against fine-tuning everything."""
    n, name = models.n_layers, "Figure 3"
    lost = {task: _lost(_scores(rows, "freeze", task)) for task in METRIC}
    mnli = "MNLI loses nothing significant unless the last two layers are frozen too"
    squad = "SQuAD clearly loses with three or fewer of twelve layers trainable"
    dep = "Dep loses faster than MNLI as more is frozen"
    out = []
    below = {k: lost["mnli"][k] for k in lost["mnli"] if k is not None and k <= n - 2}
    if below:
        out.append(judged(name, mnli, _told(below), same=max(below.values()) <= COMPARABLE, reason=_within()))
    else:
        out.append(missing(name, mnli, "needs freeze of mnli with none and some k below the last two layers"))
    few = {k: lost["squad"][k] for k in lost["squad"] if k is not None and k >= n - models.at(3)}
    if few:
        out.append(judged(name, squad, _told(few), same=max(few.values()) > COMPARABLE, reason=_within()))
    else:
        out.append(missing(name, squad, "needs freeze of squad with none and few trainable layers"))
    both = sorted(k for k in lost["dep"].keys() & lost["mnli"].keys() if k is not None and k > 0)
    if not both:
        return [*out, missing(name, dep, "needs freeze of dep and mnli at the same k")]
    faster = sum(lost["dep"][k] for k in both) > sum(lost["mnli"][k] for k in both)
    told = ", ".join(f"k = {k}: Dep -{lost['dep'][k]:.1f}, MNLI -{lost['mnli'][k]:.1f}" for k in both)
    return [
        *out,
        judged(name, dep, told.replace("--", "+"), same=faster, reason="points lost, summed over these k"),
    ]


def figure4(rows: Sequence[Row], models: Models) -> list[Finding]:
    """Truncation: how few layers are as good as all."""
    name = "Figure 4"
    scores = {task: _scores(rows, "truncate", task) for task in METRIC}
    for task in METRIC:
        full = _scores(rows, "freeze", task).get(None)
        if full is not None and scores[task]:
            scores[task].setdefault(None, full)  # nothing cut, nothing frozen
    lost = {task: _lost(found) for task, found in scores.items()}
    out = []
    for task, k12, told in (
        ("mnli", 3, "Three of twelve layers are comparable to all for MNLI"),
        ("squad", 5, "Five of twelve layers are comparable to all for SQuAD"),
    ):
        there = {k: value for k, value in lost[task].items() if k is not None and k >= models.at(k12)}
        if not there:
            out.append(missing(name, told, f"needs truncate of {task} and its full fine-tuning"))
            continue
        k = min(there)
        reason = f"{_within()}; {k} of {models.n_layers} layers stand for {k12} of 12"
        out.append(judged(name, told, _told({k: there[k]}), same=there[k] <= COMPARABLE, reason=reason))
    told = "Dep needs more layers than MNLI"
    both = sorted(k for k in lost["dep"].keys() & lost["mnli"].keys() if k is not None)
    if not both:
        return [*out, missing(name, told, "needs truncate of dep and mnli at the same k")]
    more = sum(lost["dep"][k] for k in both) > sum(lost["mnli"][k] for k in both)
    ours = ", ".join(f"k = {k}: Dep -{lost['dep'][k]:.1f}, MNLI -{lost['mnli'][k]:.1f}" for k in both)
    return [
        *out,
        judged(name, told, ours.replace("--", "+"), same=more, reason="points lost, summed over these k"),
    ]


def _scores(rows: Sequence[Row], kind: str, task: str) -> Scores:
    """Mean score over seeds by number of layers, in points."""
    mine = [row for row in rows if (row["kind"], row["task"], row["metric"]) == (kind, task, METRIC[task])]
    found = {
        row["n_layers"]: mean(one["value"] for one in mine if one["n_layers"] == row["n_layers"])
        for row in mine
    }
    return {k: value * SCALE[task] for k, value in found.items() if value is not None}


def _lost(scores: Scores) -> Scores:
    """Points below full fine-tuning; nothing where that is not there."""
    full = scores.get(None)
    return {} if full is None else {k: full - value for k, value in scores.items()}


def _told(lost: dict[int, float]) -> str:
    return ", ".join(f"k = {k}: {-value:+.1f}" for k, value in sorted(lost.items())) + " points"


def _within() -> str:
    return f"comparable: within {COMPARABLE:g} points of full fine-tuning (our choice)"
