"""Label sets that a study's probes name: each corpus of a task has to have them, or trees."""

from collections.abc import Iterator

from actstore.formats.label_options import TREEBANKS
from jobs.study.corpus import Corpus
from jobs.study.study import Study
from jobs.study.tables import hint

TREE_SET = "deprel"
PARSER = "dep"
"""The task of a parser."""


def label_problems(study: Study) -> list[str]:
    """One sentence for each label set, or tree, that a corpus has not."""
    return list(dict.fromkeys([*_task_problems(study), *_word_problems(study), *_tree_problems(study)]))


def tree_corpora(study: Study) -> frozenset[str]:
    """Corpora whose sentences have to be trees: of structural probes, of tasks over relations, of parsers."""
    parsers = [block for block in (*study.finetune, *study.ablation) if block.task == PARSER]
    structural = [name for block in study.structural_probe for name in (block.train, block.dev, block.test)]
    tasks = [task for task in study.edge_tasks.values() if task.labels == TREE_SET]
    return frozenset(
        [
            *structural,
            *(name for task in tasks for name in (task.train, task.dev, task.test)),
            *(name for block in parsers for name in (block.train, block.dev)),
            *(name for block in study.finetune if block.task == PARSER for name in block.test),
        ]
    )


def _task_problems(study: Study) -> Iterator[str]:
    for name, task in study.edge_tasks.items():
        for corpus in (task.train, task.dev, task.test):
            yield from _missing(f"[edge_tasks.{name}]: labels", task.labels, study.corpus(corpus))


def _word_problems(study: Study) -> Iterator[str]:
    for block in study.word_probe:
        for corpus in (block.train, block.dev, block.test):
            yield from _missing(f'[[word_probe]] "{block.name}": label', block.label, study.corpus(corpus))


def _tree_problems(study: Study) -> Iterator[str]:
    for block in study.structural_probe:
        for key in ("train", "dev", "test"):
            corpus = study.corpus(getattr(block, key))
            if corpus.format not in TREEBANKS:
                yield (
                    f'[[structural_probe]] "{block.name}": {key} = "{corpus.name}" has no trees; name a '
                    f"corpus of format {' or '.join(TREEBANKS)}"
                )


def _missing(where: str, name: str, corpus: Corpus) -> Iterator[str]:
    there = corpus.label_sets
    if name not in there:
        told = hint(name, there) if there else "it has none: add a file under its labels"
        yield f'{where} = "{name}": the corpus "{corpus.name}" has no such label set; {told}'
