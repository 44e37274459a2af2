"""The layer ablations of a study: points handed out, a part a point stored, one table, its figures."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from actstore.capture.source import pin
from actstore.errors import NotFoundError
from actstore.schema import content_id
from actstore.schema.ports import Executor, Resources, Unit
from actstore.schema.refs import layer_site
from actstore.store import catalog
from actstore.store.catalog import RunInfo
from actstore.store.objects import Objects
from actstore.store.results import ResultWriter
from actstore.store.trained import check_training
from jobs.ablating.known import known_points, renamed
from jobs.ablating.points import Point, point_settings, points_of
from jobs.ablating.prepare import Base, Bases, stored_corpus
from jobs.ablating.request import PointRequest, Side
from jobs.ablating.rows import POINTS
from jobs.ablating.work import AblationWork
from jobs.ablation_files import finished
from jobs.asked import ask_again, made_by, runs_read
from jobs.console import Console
from jobs.finished import FinishedTables
from jobs.stored import find_with_site, quarantined
from jobs.study.ablation import Ablation
from jobs.study.study import Study
from jobs.training.settings import head_options
from jobs.training.tables import check_gold
from jobs.units import carry_out

ANALYSIS_VERSION = 1
"""Raised by hand when the numbers of ablations may change."""
KIND, POINTS_FILE = "ablation", "points.parquet"
STORED_AS = ("dtype", "compute_dtype", "attention", "capture_version")
"""Fields of a spec that decide the values of a site, up to the last bits that shapes of batches change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedAblation:
    """A block with its stored runs and points; implements PlannedAnalysis."""

    block: Ablation
    n_layers: int
    """Of the base."""
    units: tuple[Unit, ...]
    writer: ResultWriter
    store: Objects
    study: str
    models: tuple[Path, ...]
    """Local folders that workers read."""

    device = "auto"

    @property
    def name(self) -> str:
        return self.block.name

    def run(self, executor: Executor, resources: Resources, console: Console) -> FinishedTables:
        """Train the points that have no part yet, then store table, provenance and figures.

        Raises UnitsFailedError when a point fails; the others are kept.
        """
        if self.writer.provenance() is not None:
            ask_again(self.writer)
            return self.shown()
        n_computed = self._compute(executor, resources, console)
        parts = self.writer.read_parts([unit.key for unit in self.units], POINTS)
        self.writer.put_table(POINTS_FILE, parts)
        self.writer.finish(parts, self._provenance(parts))
        return self._finished(parts, n_computed)

    def shown(self) -> FinishedTables:
        return self._finished(self.writer.read_table(POINTS_FILE), 0)

    def _finished(self, parts: pa.Table, n_computed: int) -> FinishedTables:
        return finished(self.writer, parts, self.n_layers, n_computed)

    def _compute(self, executor: Executor, resources: Resources, console: Console) -> int:
        self._take_known()
        done = self.writer.done_units()
        left = [unit for unit in self.units if unit.key not in done]
        work = AblationWork(threads=resources.threads)
        return carry_out(work, [left], executor, resources, console, self.writer)

    def _take_known(self) -> None:
        """Take over points that an earlier result has: a longer list of layers trains what is new alone."""
        left = {unit.key: unit.args for unit in self.units if unit.key not in self.writer.done_units()}
        known = known_points(self.writer.objects, {one.point_id for one in left.values() if one.keep is None})
        for key, request in left.items():
            if request.keep is None and request.point_id in known:
                self.writer.put_part(key, renamed(known[request.point_id], self.name))

    def _provenance(self, parts: pa.Table) -> dict[str, Any]:
        requests: list[PointRequest] = [unit.args for unit in self.units]
        read = {
            f"{one.base} over {side.corpus.ref.name}, {one.site}": side.run_id
            for one in requests
            for side in (one.train, one.dev)
            if side.run_id is not None
        }
        return {
            **made_by(self.study, self.store, ANALYSIS_VERSION),
            "block": self.block.model_dump(mode="json"),
            "base": {"name": self.block.base, "trunk_sha256": requests[0].start_sha256},
            "points": {unit.key: unit.args.point_id for unit in self.units},
            "settings": requests[0].settings | {"seed": None},
            "runs": runs_read(self.store, read),
            "excluded_examples": {
                side.corpus.ref.name: list(side.excluded)
                for one in requests
                for side in (one.train, one.dev)
                if side.excluded
            },
        }


def plan_ablation(objects: Objects, results: Objects, study: Study, block: Ablation) -> PlannedAblation:
    """Everything that can be wrong is found here: base, layers, runs, labels, settings. Writes nothing."""
    base = Bases(study, objects).of(block)
    sides = {key: stored_corpus(study, objects, getattr(block, key), base.ref) for key in ("train", "dev")}
    for side in sides.values():
        check_gold(block.task, side.ref)
    every = catalog.list_runs(objects)
    units = []
    for point in points_of(block, base.ref.n_layers):
        found = {
            key: Side(corpus=corpus, **_run(objects, study, block, point, corpus.ref.name, every))
            for key, corpus in sides.items()
        }
        request = _request(objects, block, base, point, found)
        units.append(Unit(key=point.key, group=point.key, args=request))
    identity = {
        "analysis_version": ANALYSIS_VERSION,
        "points": {unit.key: [unit.args.point_id, unit.args.keep] for unit in units},
    }
    folder = Path(base.source.model)
    return PlannedAblation(
        block=block,
        n_layers=base.ref.n_layers,
        units=tuple(units),
        writer=ResultWriter(results, KIND, block.name, content_id(identity)),
        store=objects,
        study=study.name,
        models=(folder,) if folder.is_dir() else (),
    )


def _request(
    objects: Objects, block: Ablation, base: Base, point: Point, sides: dict[str, Side]
) -> PointRequest:
    request = PointRequest(
        store=objects.url,
        name=block.name,
        task=block.task,
        point=point,
        base=block.base,
        start=pin(base.source),
        start_sha256=base.ref.trunk_sha256,
        pooler_sha256=base.pooler_sha256,
        settings=point_settings(block, point.seed).to_dict(),
        head_options=head_options(block),
        keep=f"{block.name}-{point.key}" if block.keep else None,
        **sides,
    )
    if request.keep is not None:
        check_training(objects, request.keep, request.point_id)
    return request


def _run(  # noqa: PLR0917
    objects: Objects, study: Study, block: Ablation, point: Point, corpus: str, every: list[RunInfo]
) -> dict[str, Any]:
    """The stored run that a point reads over a corpus, and its examples without values."""
    if point.n_frozen is None:
        return {}
    site = layer_site(point.n_frozen)
    try:
        info = find_with_site(objects, study, block.base, corpus, every, site)
    except NotFoundError as error:
        raise NotFoundError(f'[[ablation]] "{block.name}", {site}: {error}') from error
    spec = info.spec
    return {
        "run_id": info.run_id,
        "stored_as": {key: str(getattr(spec, key)) for key in STORED_AS},
        "excluded": tuple(sorted(quarantined(objects, info))),
    }
