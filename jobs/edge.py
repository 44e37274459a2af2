"""The edge probes of a study: planned over stored runs; everything that can be wrong is found here."""

from dataclasses import asdict
from functools import partial
from typing import Any

from actstore.schema import content_id
from actstore.store.objects import Objects
from actstore.store.results import ResultWriter
from actstore.store.source import StoreSource
from analyses.probes.edge.plan import (
    WORKING_BYTES,
    EdgeBlock,
    Reading,
    probes_of,
    readings_of,
    units_left,
)
from analyses.probes.edge.rows import PROBES
from analyses.probes.edge.rule import EdgeTraining
from analyses.probes.edge.task_runs import TaskRuns
from analyses.probes.edge.work import EdgeWork
from jobs.edge_files import shown_of
from jobs.edge_tasks import task_runs, tasks_read
from jobs.probing import PlannedProbes
from jobs.stored import replicate_groups
from jobs.study.edge_probe import EdgeProbe
from jobs.study.study import Study

ANALYSIS_VERSION = 1
"""Raised by hand when the numbers of edge probes may change."""


def plan_edge(objects: Objects, results: Objects, study: Study, given: EdgeProbe) -> PlannedProbes:
    """An edge-probing block; raises where a name, run, layer, label set or label is not as it has to be."""
    tasks = task_runs(objects, study, "edge_probe", given)
    block = _block(given)
    probes = probes_of(block, tasks)
    readings = readings_of(probes, tasks)
    identity = _identity(block, tasks, readings, given.predictions)
    held_bytes = max(min(reading.most_bytes, block.kept_bytes) for reading in readings.values())
    return PlannedProbes(
        work=EdgeWork(
            source=StoreSource(objects.url),
            block=block,
            readings=readings,
            device=given.device,
            predictions=given.predictions,
        ),
        probes=probes,
        units_left=lambda done: units_left(block, probes, readings, done),
        schema=PROBES,
        memory_bytes=WORKING_BYTES + held_bytes,
        writer=ResultWriter(results, "edge_probe", given.name, content_id(identity)),
        device=given.device,
        analysis_version=ANALYSIS_VERSION,
        provenance=lambda: {"block": block.to_dict()} | tasks_read(objects, tasks),
        shown_of=partial(shown_of, groups=replicate_groups(objects, given.checkpoints)),
        store=objects,
        study=study.name,
    )


def _block(given: EdgeProbe) -> EdgeBlock:
    default = EdgeTraining()
    return EdgeBlock(
        name=given.name,
        modes=given.modes,
        seeds=given.seeds,
        layers=None if isinstance(given.layers, str) else given.layers,
        training=EdgeTraining(
            learning_rate=given.learning_rate or default.learning_rate,
            batch_size=given.batch_size or default.batch_size,
            max_steps=given.max_steps,
            validate_every=given.validate_every,
            units=given.hidden,
        ),
        kept_bytes=int(given.memory * 2**30),
    )


def _identity(
    block: EdgeBlock, tasks: list[TaskRuns], readings: dict[str, Reading], predictions: bool
) -> dict[str, Any]:
    """What decides the numbers; memory does only where activations may be streamed."""
    streams = not all(reading.fits(block) for reading in readings.values())
    left_out = {"name"} if streams else {"name", "kept_bytes"}
    return {
        "analysis_version": ANALYSIS_VERSION,
        "block": {key: value for key, value in block.to_dict().items() if key not in left_out},
        "tasks": [{k: v for k, v in asdict(task).items() if k != "item_bytes"} for task in tasks],
        "predictions": predictions,
    }
