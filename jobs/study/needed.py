"""needed_runs: which checkpoint has to run over which corpus, and who asks for it. Pure."""

from dataclasses import dataclass

from actstore.schema.refs import layer_site
from analyses.similarity.pairs import resolve_pairs
from jobs.study.ablation import Ablation
from jobs.study.drift import Drift
from jobs.study.edge_probe import SpanProbe
from jobs.study.extension import Extension
from jobs.study.finetune import PRETRAINING
from jobs.study.mdl_probe import MdlProbe
from jobs.study.similarity import Similarity
from jobs.study.structural_probe import StructuralProbe
from jobs.study.study import Study
from jobs.study.word_probe import WordProbe

SCORE_KIND = "task_score"
LAST = "last"
"""Sites of a run that only scores need: the last layer."""
ABLATION_KIND = "ablation"


Reading = Similarity | Drift | SpanProbe | WordProbe | StructuralProbe | MdlProbe | Extension
"""Analyses that read every layer that is stored."""


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
    asked, scored, started = _asked(study), _scored(study), _started(study)
    alone = not study.analyses and not study.finetune
    whole = alone if study.extract.pairs is None else study.extract.pairs == "all"
    only_trained_on = _only_trained_on(study, [*asked, *scored, *started])
    out = []
    for checkpoint in study.bases:
        for corpus in (corpus.name for corpus in study.corpora):
            case = (checkpoint, corpus)
            analyses, scores = asked.get(case, []), scored.get(case, [])
            starts = started.get(case)
            whole_too = study.extract.sites == "all" and (
                analyses or (whole and corpus not in only_trained_on)
            )
            if starts is not None and whole_too:
                analyses = [*analyses, *starts.asked_by]  # every layer is stored anyway
            elif starts is not None:
                out.append(_run(case, starts.sites, starts.asked_by))
            if analyses or (whole and corpus not in only_trained_on):
                # Stored layers that are chosen by hand may lack the last one, which scores read.
                own = [] if study.extract.sites == "all" else scores
                told = analyses if own else [*analyses, *scores]
                out.append(_run(case, study.extract.sites, told))
                out += [_run(case, LAST, own)] if own else []
            elif scores:
                out.append(_run(case, LAST, scores))
    return out


@dataclass(slots=True)
class _Started:
    """Layers that ablations start from, and which ablations."""

    layers: set[int] | None
    """None: all."""
    asked_by: list[str]

    @property
    def sites(self) -> str | tuple[str, ...]:
        return "all" if self.layers is None else tuple(layer_site(layer) for layer in sorted(self.layers))


def _started(study: Study) -> dict[tuple[str, str], _Started]:
    """What ablations start from, for each pair of base and corpus."""
    out: dict[tuple[str, str], _Started] = {}
    for block in study.ablation:
        for corpus in (block.train, block.dev) if block.starts_from_store else ():
            found = out.setdefault((block.base, corpus), _Started(set(), []))
            layers = block.stored_layers
            found.layers = None if layers is None or found.layers is None else found.layers | set(layers)
            found.asked_by.append(f"{ABLATION_KIND}/{block.name}")
    return out


def _run(case: tuple[str, str], sites: str | tuple[str, ...], asked: list[str]) -> NeededRun:
    checkpoint, corpus = case
    return NeededRun(checkpoint=checkpoint, corpus=corpus, sites=sites, analyses=tuple(dict.fromkeys(asked)))


def _asked(study: Study) -> dict[tuple[str, str], list[str]]:
    """Who asks for each pair of checkpoint and corpus, of the analyses."""
    asked: dict[tuple[str, str], list[str]] = {}
    for kind, block in study.analyses:
        if isinstance(block, Ablation):
            continue
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
    trained_on = {block.train for block in (*study.finetune, *study.ablation)}
    trained_on |= {block.dev for block in study.finetune if block.task == PRETRAINING}
    return trained_on - {corpus for _, corpus in used}


def _checkpoints(study: Study, block: Reading) -> list[str]:
    if isinstance(block, Similarity | Drift):
        return list(dict.fromkeys(name for pair in resolve_pairs(block.pairs, study.bases) for name in pair))
    if isinstance(block, Extension) and block.pairs is not None:
        return list(dict.fromkeys(name for pair in resolve_pairs(block.pairs, study.bases) for name in pair))
    return list(block.checkpoints or ())


def _corpora(study: Study, block: Reading) -> list[str]:
    if isinstance(block, Similarity | Drift | Extension):
        return list(block.corpora)
    if isinstance(block, SpanProbe):
        tasks = [study.edge_tasks[name] for name in block.tasks]
        return list(dict.fromkeys(name for task in tasks for name in (task.train, task.dev, task.test)))
    return list(dict.fromkeys((block.train, block.dev, block.test)))
