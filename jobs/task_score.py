"""The end-task scores of what a study trains, from stored activations and heads; and majority baselines."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from actstore.schema import content_id
from actstore.schema.ports import Executor, Resources, Unit
from actstore.schema.refs import layer_site
from actstore.store import catalog, names
from actstore.store.objects import Objects
from actstore.store.results import ResultWriter
from actstore.store.trained import find_trained
from jobs.asked import ask_again, made_by, runs_read
from jobs.console import Console
from jobs.stored import find_with_site, quarantined
from jobs.study.finetune import PRETRAINING, SEED, Finetune
from jobs.study.study import Study
from jobs.training.score_work import MAJORITY, ScoreRequest, ScoreWork
from jobs.training.trained import stored_checkpoint
from jobs.units import carry_out

ANALYSIS_VERSION = 1
"""Raised by hand when the scores may change."""
MAIN = {"mnli": ("accuracy",), "squad": ("exact_match", "f1"), "dep": ("uas", "las")}
"""Metrics that are shown to a person; the table has all."""


KIND = "task_score"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedScore:
    """The scores of one [[finetune]] block, with its stored runs; implements PlannedAnalysis."""

    block: Finetune
    units: tuple[Unit, ...]
    writer: ResultWriter
    store: Objects
    study: str

    device = "cpu"

    @property
    def name(self) -> str:
        return self.block.name

    def run(self, executor: Executor, resources: Resources, console: Console) -> "FinishedScore":
        """Score what has no part yet, then join the parts. Raises UnitsFailedError; what is done is kept."""
        writer = self.writer
        if writer.provenance() is not None:
            ask_again(writer)
            return self.shown()
        done = writer.done_units()
        left = [unit for unit in self.units if unit.key not in done]
        work = ScoreWork(
            store=self.store.url,
            results=writer.objects.url,
            name=writer.name,
            result_id=writer.result_id,
            threads=resources.threads,
        )
        n_computed = carry_out(work, [left], executor, resources, console, writer)
        writer.finish(writer.read_parts([unit.key for unit in self.units]), _provenance(self))
        return self._finished(n_computed)

    def shown(self) -> "FinishedScore":
        return self._finished(0)

    def _finished(self, n_computed: int) -> "FinishedScore":
        return FinishedScore(
            name=self.name,
            result_id=self.writer.result_id,
            task=self.block.task,
            table=self.writer.read_table("table.parquet"),
            n_computed=n_computed,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class FinishedScore:
    """Finished scores; implements FinishedAnalysis."""

    name: str
    result_id: str
    task: str
    table: pa.Table
    n_computed: int

    kind = KIND

    def show(self, console: Console) -> None:
        """The main metrics, a row a checkpoint and corpus."""
        metrics = MAIN[self.task]
        cells: dict[tuple[str, str], dict[str, float]] = {}
        for row in self.table.to_pylist():
            cells.setdefault((row["checkpoint"], row["corpus"]), {})[row["metric"]] = row["value"]
        rows = [
            [checkpoint, corpus, *(f"{found[metric]:.4g}" for metric in metrics)]
            for (checkpoint, corpus), found in cells.items()
        ]
        title = f"{KIND} {self.name}: {self.task}, from stored activations"
        console.table(["checkpoint", "corpus", *metrics], rows, title=title)

    def told(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "kind": KIND,
            "name": self.name,
            "result_id": self.result_id,
            "rows": self.table.to_pylist(),
            "n_computed": self.n_computed,
        }


def score_name(block: Finetune) -> str:
    """What the result of a block is called: one for all its seeds."""
    return block.name.replace(SEED, "N")


def scored_blocks(study: Study) -> list[Finetune]:
    """The blocks that are scored; masked tokens can not be, from the store."""
    return [block for block in study.finetune if block.task != PRETRAINING]


def plan_score(objects: Objects, results: Objects, study: Study, block: Finetune) -> PlannedScore:
    """Find runs, heads and gold labels. Raises NotFoundError, IncompleteRunError, NameTakenError."""
    every = catalog.list_runs(objects)
    trained: dict[str, str] = {}
    units = []
    for made in block.made:
        _, ref = stored_checkpoint(study, objects, made.name)
        trained[made.name] = str((find_trained(objects, made.name) or {})["training_id"])
        for corpus in block.scored_on:
            site = layer_site(ref.n_layers)
            info = find_with_site(objects, study, made.name, corpus, every, site)
            units.append(
                _unit(
                    ScoreRequest(
                        task=block.task,
                        checkpoint=made.name,
                        corpus=names.corpus(objects, corpus),
                        tokens_id=info.spec.tokens_id,
                        run_id=info.run_id,
                        site=site,
                        excluded=tuple(sorted(quarantined(objects, info))),
                    )
                )
            )
    train = names.corpus(objects, block.train)
    for corpus in block.scored_on:
        ref_ = names.corpus(objects, corpus)
        units.append(_unit(ScoreRequest(task=block.task, checkpoint=MAJORITY, corpus=ref_, train=train)))
    keys = {
        "analysis_version": ANALYSIS_VERSION,
        "trained": trained,
        "units": sorted(_identity(unit) for unit in units),
    }
    writer = ResultWriter(results, KIND, score_name(block), content_id(keys))
    return PlannedScore(block=block, units=tuple(units), writer=writer, store=objects, study=study.name)


def _unit(request: ScoreRequest) -> Unit:
    who = "majority" if request.checkpoint == MAJORITY else request.checkpoint
    return Unit(key=f"{who}@{request.corpus.name}", group=request.checkpoint, args=request)


def _identity(unit: Unit) -> list[Any]:
    request: ScoreRequest = unit.args
    corpora = [request.corpus, *([] if request.train is None else [request.train])]
    gold = [[one.text_id, one.word_labels, one.example_labels, one.labels.get("answers")] for one in corpora]
    return [unit.key, request.run_id, request.site, list(request.excluded), gold]


def _provenance(planned: PlannedScore) -> dict[str, Any]:
    requests: Sequence[ScoreRequest] = [unit.args for unit in planned.units]
    read = {f"{one.checkpoint} over {one.corpus.name}": one.run_id for one in requests if one.run_id}
    return {
        **made_by(planned.study, planned.store, ANALYSIS_VERSION),
        "block": planned.block.model_dump(mode="json"),
        "runs": runs_read(planned.store, read),
        "excluded_examples": {unit.key: list(unit.args.excluded) for unit in planned.units},
    }
