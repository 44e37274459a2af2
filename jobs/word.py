"""The word probes of a study: planned over stored runs; everything that can be wrong is found here."""

from dataclasses import asdict
from typing import Any

from actstore.errors import RequestError
from actstore.schema import content_id
from actstore.store import catalog
from actstore.store.objects import Objects
from actstore.store.results import ResultWriter
from actstore.store.source import StoreSource
from analyses.probes.edge.task_runs import SPLITS, TaskRuns
from analyses.probes.word.plan import WORKING_BYTES, WordBlock, probes_of, units_left
from analyses.probes.word.rows import PROBES
from analyses.probes.word.rule import WordTraining
from analyses.probes.word.work import WordWork
from jobs.asked import runs_read
from jobs.edge_tasks import refuse_missing, runs_of_task, stored_splits
from jobs.probing import PlannedProbes
from jobs.study.edge_probe import EdgeTask
from jobs.study.study import Study
from jobs.study.word_probe import WordProbe
from jobs.word_files import shown_of

ANALYSIS_VERSION = 1
"""Raised by hand when the numbers of word probes may change."""


def plan_word(objects: Objects, results: Objects, study: Study, given: WordProbe) -> PlannedProbes:
    """A word-probing block; raises where a name, run, layer, label set or label is not as it has to be."""
    tasks = _tasks(objects, study, given)
    block = _block(given)
    probes = probes_of(block, tasks)
    identity = _identity(block, tasks)
    held_bytes = max(min(task.held_bytes, block.kept_bytes) for task in tasks)
    return PlannedProbes(
        work=WordWork(
            source=StoreSource(objects.url),
            block=block,
            tasks={task.checkpoint: task for task in tasks},
            device=given.device,
        ),
        probes=probes,
        units_left=lambda done: units_left(block, probes, tasks, done),
        schema=PROBES,
        memory_bytes=WORKING_BYTES + held_bytes,
        writer=ResultWriter(results, "word_probe", given.name, content_id(identity)),
        device=given.device,
        analysis_version=ANALYSIS_VERSION,
        provenance=lambda: _provenance(objects, block, tasks),
        shown_of=shown_of,
        store=objects,
        study=study.name,
    )


def _tasks(objects: Objects, study: Study, given: WordProbe) -> list[TaskRuns]:
    task = EdgeTask(train=given.train, dev=given.dev, test=given.test, labels=given.label)
    stored = stored_splits(objects, study, task, given.checkpoints, catalog.list_runs(objects))
    tasks = runs_of_task(objects, given.label, task, stored)
    if tasks[0].multi_label:
        raise RequestError(
            f'word_probe "{given.name}": label = "{given.label}" gives some words several labels, or none; a '
            "word probe needs one label a word: take [[edge_probe]]"
        )
    wanted = set() if isinstance(given.layers, str) else set(given.layers)
    wanted |= set() if given.given is None else {given.given}
    for run in stored["train"].runs.values():
        refuse_missing(f'word_probe "{given.name}"', wanted, run)
    return tasks


def _block(given: WordProbe) -> WordBlock:
    default = WordTraining()
    return WordBlock(
        name=given.name,
        kinds=given.kinds,
        seeds=given.seeds,
        layers=None if isinstance(given.layers, str) else given.layers,
        control=given.control,
        v_information=given.v_information,
        given=given.given,
        training=WordTraining(
            learning_rate=given.learning_rate or default.learning_rate,
            batch_size=given.batch_size or default.batch_size,
            epochs=given.epochs or default.epochs,
            hidden=given.hidden,
        ),
        kept_bytes=int(given.memory * 2**30),
    )


def _identity(block: WordBlock, tasks: list[TaskRuns]) -> dict[str, Any]:
    """What decides the numbers; memory does only where activations may be streamed."""
    streams = any(task.held_bytes > block.kept_bytes for task in tasks)
    left_out = {"name"} if streams else {"name", "kept_bytes"}
    return {
        "analysis_version": ANALYSIS_VERSION,
        "block": {key: value for key, value in block.to_dict().items() if key not in left_out},
        "tasks": [{k: v for k, v in asdict(task).items() if k != "item_bytes"} for task in tasks],
    }


def _provenance(objects: Objects, block: WordBlock, tasks: list[TaskRuns]) -> dict[str, Any]:
    splits = [(task, getattr(task, split)) for task in tasks for split in SPLITS]
    return {
        "block": block.to_dict(),
        "labels": {run.corpus: f"{run.label_set}-{run.label_hash}" for _, run in splits},
        "excluded_examples": {run.corpus: list(run.excluded) for _, run in splits},
        "runs": runs_read(
            objects, {f"{task.checkpoint} over {run.corpus}": run.run_id for task, run in splits}
        ),
    }
