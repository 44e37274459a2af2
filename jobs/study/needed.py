"""needed_runs: which checkpoint has to run over which corpus, and who asks for it. Pure."""

from dataclasses import dataclass

from analyses.similarity.pairs import resolve_pairs
from jobs.study.ablation import Ablation
from jobs.study.drift import Drift
from jobs.study.edge_probe import EdgeProbe
from jobs.study.finetune import PRETRAINING
from jobs.study.similarity import Similarity
from jobs.study.study import Analysis, Study

SCORE_KIND = "task_score"
LAST = "last"
"""Sites of a run that only scores need: the last layer."""
FROM_STORE = ("freeze", "truncate-frozen")
"""Ablations that start from stored activations of the base."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NeededRun:
    """One checkpoint over one corpus."""

    checkpoint: str
    corpus: str
    sites: str | tuple[str, ...]
    """'all', 'last', or names."""
    analyses: tuple[str, ...]
    """Who asks for it, as kind/name; empty where only `pairs = "all"` does."""


def needed_runs(study: Study) -> list[NeededRun]:
    """Every run of a study, in the order of its checkpoints and, within one, of its corpora.

    Corpora that are only trained on are read by no model here: they are tokenised, and no run needs them.
    """
    asked, scored = _asked(study), _scored(study)
    alone = not study.analyses and not study.finetune
    whole = alone if study.extract.pairs is None else study.extract.pairs == "all"
    only_trained_on = _only_trained_on(study, [*asked, *scored])
    out = []
    for checkpoint in study.bases:
        for corpus in (corpus.name for corpus in study.corpora):
            case = (checkpoint, corpus)
            analyses, scores = asked.get(case, []), scored.get(case, [])
            if analyses or (whole and corpus not in only_trained_on):
                # Stored layers that are chosen by hand may lack the last one, which scores read.
                own = [] if study.extract.sites == "all" else scores
                told = analyses if own else [*analyses, *scores]
                out.append(_run(case, study.extract.sites, told))
                out += [_run(case, LAST, own)] if own else []
            elif scores:
                out.append(_run(case, LAST, scores))
    return out


def _run(case: tuple[str, str], sites: str | tuple[str, ...], asked: list[str]) -> NeededRun:
    checkpoint, corpus = case
    return NeededRun(checkpoint=checkpoint, corpus=corpus, sites=sites, analyses=tuple(dict.fromkeys(asked)))


def _asked(study: Study) -> dict[tuple[str, str], list[str]]:
    """Who asks for each pair of checkpoint and corpus, of the analyses."""
    asked: dict[tuple[str, str], list[str]] = {}
    for kind, block in study.analyses:
        for checkpoint in _checkpoints(study, block):
            for corpus in _corpora(study, block):
                asked.setdefault((checkpoint, corpus), []).append(f"{kind}/{block.name}")
    return asked


def _scored(study: Study) -> dict[tuple[str, str], list[str]]:
    """As `_asked`, of the scores of what the study trains; masked tokens are not scored from the store."""
    return {
        (made.name, corpus): [f"{SCORE_KIND}/{block.name}"]
        for block in study.finetune
        if block.task != PRETRAINING
        for made in block.made
        for corpus in block.scored_on
    }


def _only_trained_on(study: Study, used: list[tuple[str, str]]) -> set[str]:
    trained_on = {block.train for block in study.finetune}
    trained_on |= {block.dev for block in study.finetune if block.task == PRETRAINING}
    return trained_on - {corpus for _, corpus in used}


def _checkpoints(study: Study, block: Analysis) -> list[str]:
    if isinstance(block, Similarity | Drift):
        return list(dict.fromkeys(name for pair in resolve_pairs(block.pairs, study.bases) for name in pair))
    if isinstance(block, Ablation):
        return [block.base] if block.kind in FROM_STORE else []
    return list(block.checkpoints)


def _corpora(study: Study, block: Analysis) -> list[str]:
    if isinstance(block, Similarity | Drift):
        return list(block.corpora)
    if isinstance(block, Ablation):
        return [block.train, block.dev]
    if isinstance(block, EdgeProbe):
        tasks = [study.edge_tasks[name] for name in block.tasks]
        return list(dict.fromkeys(name for task in tasks for name in (task.train, task.dev, task.test)))
    return list(dict.fromkeys((block.train, block.dev, block.test)))
