"""Content: all that the page and the Markdown say, as text; and what it is made of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from actstore import __version__
from analyses.paper.finding import Finding
from jobs.reporting.cost import Cost
from jobs.reporting.section import Section
from jobs.study.study import Study


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """One report."""

    title: str
    intro: tuple[str, ...]
    findings: tuple[Finding, ...]
    cost: tuple[str, ...]
    sections: tuple[Section, ...]
    missing: tuple[tuple[str, str], ...]
    """Analyses that are not finished, and why."""


def content_of(
    study: Study,
    sections: Sequence[Section],
    findings: Sequence[Finding],
    cost: Cost,
    missing: Mapping[str, str],
) -> Content:
    """Put together."""
    given = ", ".join(item.name for item in study.checkpoints)
    made = ", ".join(one.name for block in study.finetune for one in block.made)
    store = study.store if "://" in study.store else Path(study.store).name  # a page is passed on
    intro = [f"Study {study.name}, store {store}, actstore {__version__}. Checkpoints: {given}."]
    if made:
        intro.append(f"Trained by the study: {made}.")
    if findings:
        intro.append(
            "Beside the paper's statements (Merchant et al. 2020) stands what this study found. Base and "
            "data are other ones, so that directions are compared, not numbers; what counts as small or "
            "alike is said with each verdict."
        )
    few = [one.name for one in sections if len(one.seeds) == 1 and one.kind == "ablation"]
    if few:
        intro.append(f"One seed only, so that no spread is known: {', '.join(few)}.")
    return Content(
        title=f"Report: {study.name}",
        intro=tuple(intro),
        findings=tuple(findings),
        cost=tuple(_told(cost)),
        sections=tuple(sections),
        missing=tuple(missing.items()),
    )


def _told(cost: Cost) -> list[str]:
    lines = [
        f"{cost.n_tokens:,} tokens went through a model once, in {cost.n_runs} runs that take "
        f"{cost.n_bytes / 1e6:,.1f} MB.",
    ]
    again = (
        f"{cost.n_readings} readings by analyses: had each run the models anew, {cost.tokens_not_run:,} more "
        "tokens would have gone through them"
    )
    if cost.seconds_saved is not None:
        minutes, speed = cost.seconds_saved / 60, cost.tokens_per_second
        again += f", {minutes:,.1f} minutes of a worker at the {speed:,.0f} tokens/s measured"
    lines.append(again + ".")
    every = cost.ablation_layers_run + cost.ablation_layers_not_run
    if every:
        share = cost.ablation_layers_not_run / every
        lines.append(
            f"Ablations took {cost.ablation_seconds / 60:,.1f} minutes of training; {share:.0%} of their "
            f"layers' forward work was not run: {cost.ablation_read_bytes / 1e6:,.1f} MB were read instead."
        )
    return lines
