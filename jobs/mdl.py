"""The MDL probes of a study: planned over stored runs; everything that can be wrong is found here."""

from dataclasses import asdict
from typing import Any

from actstore.schema import content_id
from actstore.store.objects import Objects
from actstore.store.results import ResultWriter
from actstore.store.source import StoreSource
from analyses.probes.edge.task_runs import TaskRuns
from analyses.probes.mdl.plan import WORKING_BYTES, MdlBlock, probes_of, units_left
from analyses.probes.mdl.rows import PROBES
from analyses.probes.mdl.rule import EdgeRule
from analyses.probes.mdl.work import MdlWork
from jobs.edge_tasks import task_runs, tasks_read
from jobs.mdl_files import shown_of
from jobs.probing import PlannedProbes
from jobs.study.mdl_probe import MdlProbe
from jobs.study.study import Study

ANALYSIS_VERSION = 1
"""Raised by hand when the numbers of MDL probes may change."""


def plan_mdl(objects: Objects, results: Objects, study: Study, given: MdlProbe) -> PlannedProbes:
    """A block of MDL probes; raises where a name, run, layer, label set or label is not as it has to be."""
    tasks = task_runs(objects, study, "mdl_probe", given)
    block = _block(given)
    probes = probes_of(block, tasks)
    held_bytes = max(task.held_bytes if task.is_kept else 0 for task in tasks)
    identity = _identity(block, tasks, given.predictions)
    return PlannedProbes(
        work=MdlWork(
            source=StoreSource(objects.url),
            block=block,
            tasks={task.group: task for task in tasks},
            device=given.device,
            predictions=given.predictions,
        ),
        probes=probes,
        units_left=lambda done: units_left(probes, done),
        schema=PROBES,
        memory_bytes=WORKING_BYTES + held_bytes,
        writer=ResultWriter(results, "mdl_probe", given.name, content_id(identity)),
        device=given.device,
        analysis_version=ANALYSIS_VERSION,
        provenance=lambda: {"block": block.to_dict()} | tasks_read(objects, tasks),
        shown_of=lambda name, parts: shown_of(name, parts, block.units),
        store=objects,
        study=study.name,
    )


def _block(given: MdlProbe) -> MdlBlock:
    default = EdgeRule()
    return MdlBlock(
        name=given.name,
        modes=given.modes,
        codes=given.codes,
        seeds=given.seeds,
        layers=None if isinstance(given.layers, str) else given.layers,
        units=given.units,
        rule=EdgeRule(
            learning_rate=given.learning_rate or default.learning_rate,
            batch_size=given.batch_size or default.batch_size,
            max_steps=given.max_steps or default.max_steps,
            validate_every=given.validate_every or default.validate_every,
            variational_epochs=given.epochs or default.variational_epochs,
            units=given.hidden,
        ),
    )


def _identity(block: MdlBlock, tasks: list[TaskRuns], predictions: bool) -> dict[str, Any]:
    """What decides the numbers, and that predictions lie beside them where they do."""
    return {
        **({"predictions": True} if predictions else {}),
        "analysis_version": ANALYSIS_VERSION,
        "block": {key: value for key, value in block.to_dict().items() if key != "name"},
        "tasks": [{k: v for k, v in asdict(task).items() if k != "item_bytes"} for task in tasks],
    }
