"""The tasks of a block of edge or MDL probes over stored runs; everything that can be wrong is found here."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from actstore.errors import NotFoundError, RequestError
from actstore.schema.refs import layer_site, site_layer
from actstore.store import catalog, names, runs
from actstore.store.catalog import RunInfo
from actstore.store.label_tables import label_sets, label_table
from actstore.store.objects import Objects
from analyses.probes.edge.task_runs import SPLITS, LabelledRun, TaskRuns
from analyses.readers.targets import vocabulary
from analyses.similarity.request import StoredCorpus, StoredRun
from jobs.asked import runs_read
from jobs.stored import stored_corpus
from jobs.study.edge_probe import EdgeTask, SpanProbe
from jobs.study.study import Study


@dataclass(frozen=True, slots=True, kw_only=True)
class Labels:
    """The labels of a task."""

    names: tuple[str, ...]
    """Of all splits, sorted."""
    multi_label: bool
    """Whether some target has not exactly one."""


def task_runs(objects: Objects, study: Study, kind: str, given: SpanProbe) -> list[TaskRuns]:
    """Every task of a block at every checkpoint.

    Raises NotFoundError (runs, layers, label sets), RequestError (tasks without targets or with one label).
    """
    every = catalog.list_runs(objects)
    out = []
    for name in given.tasks:
        task = study.edge_tasks[name]
        stored = stored_splits(objects, study, task, given.checkpoints, every)
        out += runs_of_task(objects, name, task, stored)
        for run in stored["train"].runs.values():
            wanted = set() if isinstance(given.layers, str) else set(given.layers)
            wanted |= {0} if "lexical" in given.modes else set()
            if "top" in given.modes and run.n_layers is not None:
                wanted.add(run.n_layers)
            refuse_missing(f'{kind} "{given.name}"', wanted, run)
    return out


def stored_splits(
    objects: Objects, study: Study, task: EdgeTask, checkpoints: Sequence[str], every: list[RunInfo]
) -> dict[str, StoredCorpus]:
    """The complete runs of each split of a task."""
    return {
        split: stored_corpus(objects, study, getattr(task, split), list(checkpoints), every)
        for split in SPLITS
    }


def runs_of_task(
    objects: Objects, name: str, task: EdgeTask, stored: dict[str, StoredCorpus]
) -> list[TaskRuns]:
    """A task at every checkpoint that ran over its training corpus."""
    labels = _labels(objects, name, task)
    return [_task_runs(objects, (name, task), stored, one, labels) for one in stored["train"].runs]


def tasks_read(objects: Objects, tasks: Sequence[TaskRuns]) -> dict[str, Any]:
    """Label sets, examples left out and runs of tasks, for provenance."""
    splits = [(task, split, getattr(task, split)) for task in tasks for split in SPLITS]
    return {
        "labels": {
            f"{task.task} {split}": f"{run.corpus}/{run.label_set}-{run.label_hash}"
            for task, split, run in splits
        },
        "excluded_examples": {run.corpus: list(run.excluded) for _, _, run in splits},
        "runs": runs_read(
            objects, {f"{task.checkpoint} over {run.corpus}": run.run_id for task, _, run in splits}
        ),
    }


def _labels(objects: Objects, name: str, task: EdgeTask) -> Labels:
    tables = {}
    for split in SPLITS:
        corpus = names.corpus(objects, getattr(task, split))
        table = tables[split] = label_table(objects, corpus, task.labels)
        if not len(table):
            raise RequestError(
                f"edge task {name}, {split}: label set {task.labels!r} of corpus {corpus.name} has no "
                "target; take a corpus that has some"
            )
    labels = vocabulary(tables.values())
    if len(labels) < 2:
        raise RequestError(
            f"edge task {name}: label set {task.labels!r} has {len(labels)} label ({', '.join(labels)}); "
            "there is nothing to tell with fewer than two"
        )
    counts = [
        table.group_by(["example", "target"]).aggregate([("label", "count")]).column("label_count").to_numpy()
        for table in tables.values()
    ]
    return Labels(names=labels, multi_label=any(bool((count != 1).any()) for count in counts))


def _task_runs(
    objects: Objects,
    task: tuple[str, EdgeTask],
    stored: dict[str, StoredCorpus],
    checkpoint: str,
    labels: Labels,
) -> TaskRuns:
    spec = runs.read_spec(objects, stored["train"].runs[checkpoint].run_id)
    layers = stored_layers(spec.sites)
    return TaskRuns(
        task=task[0],
        checkpoint=checkpoint,
        labels=labels.names,
        multi_label=labels.multi_label,
        layers=layers,
        width=spec.width(layer_site(layers[0])),
        item_bytes=2 if spec.dtype == "float16" else 4,
        **{split: _split(objects, task[1], stored[split], checkpoint) for split in SPLITS},
    )


def stored_layers(sites: tuple[str, ...]) -> tuple[int, ...]:
    """The layers among the sites of a run, lowest first."""
    found = ((site, site_layer(site)) for site in sites)
    return tuple(sorted(layer for site, layer in found if layer is not None and site == layer_site(layer)))


def _split(objects: Objects, task: EdgeTask, corpus: StoredCorpus, checkpoint: str) -> LabelledRun:
    ref, run = names.corpus(objects, corpus.name), corpus.runs[checkpoint]
    return LabelledRun(
        corpus=corpus.name,
        text_id=ref.text_id,
        label_set=task.labels,
        label_hash=label_sets(objects, ref)[task.labels],
        run_id=run.run_id,
        tokens_id=run.tokens_id,
        n_rows=run.n_rows,
        excluded=corpus.excluded,
    )


def refuse_missing(where: str, wanted: set[int], run: StoredRun) -> None:
    """Raise NotFoundError where layers are wanted that the run has not."""
    there = stored_layers(run.sites)
    missing = sorted(wanted - set(there))
    if missing:
        raise NotFoundError(
            f"{where}: layers {missing} of {run.checkpoint} are not stored; there are {list(there)}"
        )
