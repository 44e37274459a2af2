"""needed_runs: which checkpoint has to run over which corpus, and who asks for it. Pure."""

from dataclasses import dataclass

from analyses.similarity.pairs import resolve_pairs
from jobs.study.ablation import Ablation
from jobs.study.drift import Drift
from jobs.study.edge_probe import EdgeProbe
from jobs.study.similarity import Similarity
from jobs.study.study import Analysis, Study

FROM_STORE = ("freeze", "truncate-frozen")
"""Ablations that start from stored activations of the base."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NeededRun:
    """One checkpoint over one corpus."""

    checkpoint: str
    corpus: str
    sites: str | tuple[str, ...]
    """'all', or names."""
    analyses: tuple[str, ...]
    """Who asks for it, as kind/name; empty where only `pairs = "all"` does."""


def needed_runs(study: Study) -> list[NeededRun]:
    """Every run of a study, in the order of its checkpoints and, within one, of its corpora."""
    asked: dict[tuple[str, str], list[str]] = {}
    for kind, block in study.analyses:
        for checkpoint in _checkpoints(study, block):
            for corpus in _corpora(study, block):
                asked.setdefault((checkpoint, corpus), []).append(f"{kind}/{block.name}")
    whole = not study.analyses if study.extract.pairs is None else study.extract.pairs == "all"
    return [
        NeededRun(
            checkpoint=checkpoint,
            corpus=corpus.name,
            sites=study.extract.sites,
            analyses=tuple(dict.fromkeys(asked.get((checkpoint, corpus.name), ()))),
        )
        for checkpoint in study.bases
        for corpus in study.corpora
        if whole or (checkpoint, corpus.name) in asked
    ]


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
