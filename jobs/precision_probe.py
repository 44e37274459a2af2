"""What a lower precision costs a probe: one linear word probe, from float32 values and from stored ones."""

import numpy as np
import pyarrow as pa

from actstore.errors import NotFoundError, RequestError
from actstore.schema.refs import CorpusRef, layer_site
from actstore.store import names, tokens
from actstore.store.catalog import RunInfo
from actstore.store.label_tables import label_sets, label_table
from actstore.store.objects import Objects
from actstore.store.source import StoreSource
from analyses.probes.edge.task_runs import LabelledRun, TaskRuns
from analyses.probes.word.plan import WordBlock, probes_of, units_left
from analyses.probes.word.work import WordWork
from analyses.readers.targets import vocabulary
from jobs.edge_tasks import stored_layers
from jobs.stored import quarantined

SHARES = {"train": 0.6, "dev": 0.2, "test": 0.2}
"""Of the sampled examples; the same examples for both runs."""
MIN_EXAMPLES = 10
SEED = 0


def probe_accuracies(
    objects: Objects, exact: RunInfo, info: RunInfo, label_set: str, n_words: int
) -> dict[str, tuple[float, float]]:
    """Test accuracy from the float32 and from the stored values, by site, for the layers that both hold.

    One seed and one split of the examples for both, so that the difference is the precision's.
    `n_words`: labelled words, at least, that are drawn with their examples (fewer where there are no more).
    Raises NotFoundError (no such label set), RequestError (several labels a word, too few examples).
    """
    corpus = _labelled_corpus(objects, info, label_set)
    table = label_table(objects, corpus, label_set)
    left_out = {example for run in (exact, info) for example in quarantined(objects, run)}
    splits = _splits(_words_of_examples(table, label_set), left_out, n_words)
    layers = sorted(set(stored_layers(exact.spec.sites)) & set(stored_layers(info.spec.sites)))
    block = WordBlock(name="fidelity", kinds=("linear",), seeds=(SEED,), layers=tuple(layers))
    every = set(range(_n_examples(objects, info)))
    tasks = [
        TaskRuns(
            task=label_set,
            checkpoint=run.run_id,
            labels=vocabulary([table]),
            multi_label=False,
            layers=tuple(layers),
            width=run.spec.width(layer_site(layers[0])),
            item_bytes=2 if run.spec.dtype == "float16" else 4,
            **{
                split: LabelledRun(
                    corpus=corpus.name,
                    text_id=corpus.text_id,
                    label_set=label_set,
                    label_hash=label_sets(objects, corpus)[label_set],
                    run_id=run.run_id,
                    tokens_id=run.spec.tokens_id,
                    n_rows=round(run.spec.n_rows * len(examples) / len(every)),
                    excluded=tuple(sorted(every - examples)),
                )
                for split, examples in splits.items()
            },
        )
        for run in (exact, info)
    ]
    found = _trained(objects, block, tasks)
    return {layer_site(layer): (found[exact.run_id, layer], found[info.run_id, layer]) for layer in layers}


def _trained(objects: Objects, block: WordBlock, tasks: list[TaskRuns]) -> dict[tuple[str, int], float]:
    """Test accuracy by run and layer."""
    work = WordWork(
        source=StoreSource(objects.url),
        block=block,
        tasks={task.checkpoint: task for task in tasks},
        device="cpu",
    )
    out = {}
    for unit in units_left(block, probes_of(block, tasks), tasks, ()):
        group = work.open(unit.group)
        for done in group.do(unit):
            out[done.probe.checkpoint, done.probe.layer] = float(done.rows.column("accuracy")[0].as_py())
        group.close()
    return out


def _n_examples(objects: Objects, info: RunInfo) -> int:
    metas = tokens.list_metas(objects, tokens.text_of_tokens(objects, info.spec.tokens_id))
    return next(meta.n_examples for meta in metas if meta.tokens_id == info.spec.tokens_id)


def _labelled_corpus(objects: Objects, info: RunInfo, label_set: str) -> CorpusRef:
    """A corpus of the run's text that has the label set."""
    text_id = tokens.text_of_tokens(objects, info.spec.tokens_id)
    of_text = [corpus for corpus in names.corpora(objects) if corpus.text_id == text_id]
    labelled = [corpus for corpus in of_text if label_set in label_sets(objects, corpus)]
    if not labelled:
        there = sorted({known for corpus in of_text for known in label_sets(objects, corpus)})
        raise NotFoundError(
            f"the text of run {info.run_id} has no label set {label_set!r}; it has "
            f"{', '.join(there) or 'none'}: name one of them, or add one to the corpus under `labels`"
        )
    return labelled[0]


def _words_of_examples(table: pa.Table, label_set: str) -> pa.Table:
    """Examples and how many labelled words each has (example, target_count). Raises RequestError."""
    counts = table.group_by(["example", "target"]).aggregate([("label", "count")])
    if bool((counts.column("label_count").to_numpy() != 1).any()):
        raise RequestError(
            f"label set {label_set!r} gives some words several labels, or none; the check of precision takes "
            "a set with one label a word, as upos"
        )
    return counts.group_by("example").aggregate([("target", "count")])


def _splits(counted: pa.Table, left_out: set[int], n_words: int) -> dict[str, set[int]]:
    """Examples of each split, drawn in a seeded order until they hold `n_words` words."""
    example_E = counted.column("example").to_numpy()
    order_E = np.random.default_rng(SEED).permutation(np.argsort(example_E))
    order_E = order_E[~np.isin(example_E[order_E], list(left_out))]
    held_E = np.cumsum(counted.column("target_count").to_numpy()[order_E])
    drawn_E = example_E[order_E[: int(np.searchsorted(held_E, n_words)) + 1]]
    if len(drawn_E) < MIN_EXAMPLES:
        raise RequestError(
            f"{len(drawn_E)} labelled examples were drawn for {n_words:,} words, and a probe needs at least "
            f"{MIN_EXAMPLES}: raise --tokens, or take a corpus with more"
        )
    ends = np.cumsum([round(share * len(drawn_E)) for share in SHARES.values()])[:-1]
    parts = np.split(drawn_E, ends)
    return {split: set(part.tolist()) for split, part in zip(SHARES, parts, strict=True)}
