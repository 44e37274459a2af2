"""The MDL probes of a study: stacks handed out, a part a probe stored, one table, its figures."""

from dataclasses import asdict, dataclass, replace
from typing import Any

from actstore import __version__
from actstore.schema import content_id
from actstore.schema.ports import Executor, Resources
from actstore.store.objects import Objects
from actstore.store.results import ResultWriter
from actstore.store.source import StoreSource
from analyses.probes.edge.task_runs import SPLITS, TaskRuns
from analyses.probes.mdl.plan import WORKING_BYTES, MdlBlock, probes_of, units_left
from analyses.probes.mdl.plan import MdlProbe as Probe
from analyses.probes.mdl.rows import PROBES
from analyses.probes.mdl.rule import EdgeRule
from analyses.probes.mdl.work import MdlWork
from jobs.asked import ask_again, now, refuse_failures, runs_read
from jobs.console import Console
from jobs.edge_tasks import task_runs
from jobs.mdl_files import FinishedMdl, finished
from jobs.study.mdl_probe import MdlProbe
from jobs.study.study import Study

ANALYSIS_VERSION = 1
"""Raised by hand when the numbers of MDL probes may change."""
PROBES_FILE = "probes.parquet"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedMdl:
    """A block with its stored runs and its probes; implements PlannedAnalysis."""

    block: MdlBlock
    tasks: tuple[TaskRuns, ...]
    probes: tuple[Probe, ...]
    writer: ResultWriter
    device: str
    store: Objects
    study: str

    @property
    def name(self) -> str:
        return self.block.name

    def run(self, executor: Executor, resources: Resources, console: Console) -> FinishedMdl:
        """Measure the probes that have no part yet, then store table, provenance and figures.

        Raises UnitsFailedError when a stack fails; the probes of the others are kept.
        """
        if self.writer.provenance() is not None:
            ask_again(self.writer)
            return self.shown()
        n_computed = self._compute(executor, resources, console)
        parts = self.writer.read_parts([probe.key for probe in self.probes], PROBES)
        self.writer.put_table(PROBES_FILE, parts)
        self.writer.finish(parts, self._provenance())
        return finished(self.writer, parts, self.block.units, n_computed)

    def shown(self) -> FinishedMdl:
        return finished(self.writer, self.writer.read_table(PROBES_FILE), self.block.units, 0)

    def _compute(self, executor: Executor, resources: Resources, console: Console) -> int:
        units = tuple(units_left(self.probes, self.writer.done_units()))
        work = MdlWork(
            source=StoreSource(self.store.url),
            block=self.block,
            tasks={task.group: task for task in self.tasks},
            device=self.device,
        )
        held_bytes = max(task.held_bytes if task.is_kept else 0 for task in self.tasks)
        resources = replace(resources, memory_bytes=held_bytes + WORKING_BYTES)
        failures = []
        with console.progress(f"mdl_probe {self.name}", sum(unit.weight for unit in units)) as bar:
            for outcome in executor.map(work, units, resources) if units else ():
                if outcome.failure is None:
                    for done in outcome.result:
                        self.writer.put_part(done.probe.key, done.rows)
                else:
                    failures.append(outcome.failure)
                bar.advance(outcome.unit.weight)
        refuse_failures(f"mdl_probe {self.name!r}", failures, len(units))
        return len(units)

    def _provenance(self) -> dict[str, Any]:
        splits = [(task, split, getattr(task, split)) for task in self.tasks for split in SPLITS]
        return {
            "study": self.study,
            "finished": now(),
            "actstore": __version__,
            "analysis_version": ANALYSIS_VERSION,
            "store": self.store.url,
            "block": self.block.to_dict(),
            "labels": {
                f"{task.task} {split}": f"{run.corpus}/{run.label_set}-{run.label_hash}"
                for task, split, run in splits
            },
            "excluded_examples": {run.corpus: list(run.excluded) for _, _, run in splits},
            "runs": runs_read(
                self.store, {f"{task.checkpoint} over {run.corpus}": run.run_id for task, _, run in splits}
            ),
        }


def plan_mdl(objects: Objects, results: Objects, study: Study, given: MdlProbe) -> PlannedMdl:
    """Everything that can be wrong is found here: names, runs, layers, label sets, labels."""
    tasks = task_runs(objects, study, "mdl_probe", given)
    block = _block(given)
    identity = {
        "analysis_version": ANALYSIS_VERSION,
        "block": {key: value for key, value in block.to_dict().items() if key != "name"},
        "tasks": [{k: v for k, v in asdict(task).items() if k != "item_bytes"} for task in tasks],
    }
    return PlannedMdl(
        block=block,
        tasks=tuple(tasks),
        probes=probes_of(block, tasks),
        writer=ResultWriter(results, "mdl_probe", given.name, content_id(identity)),
        device=given.device,
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
