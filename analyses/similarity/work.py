"""SimilarityWork: compares layers of stored runs, a grid of them a unit. Reads through a source alone."""

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from threading import Lock

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from actstore.errors import WorkError
from actstore.schema.ports import ActivationSource, Unit
from analyses.readers.sample import COLUMNS, Sample, SampleSpec, draw
from analyses.similarity import device
from analyses.similarity.keep import Keep, MemoryKeep
from analyses.similarity.left_out import of_kept_sums
from analyses.similarity.measures import forms_of
from analyses.similarity.request import GridArgs, MergeArgs, PartArgs, Side, check_comparable
from analyses.similarity.resampled import resampled_cells
from analyses.similarity.rows import Resampled, similarity_rows
from analyses.similarity.sides import HeldSides, cell_values, moment_values
from analyses.similarity.tiling import ROWS_PER_STEP, rows_per_step
from analyses.statistics.grid import GridSums, from_stored, to_stored
from analyses.statistics.jackknife import example_edges
from analyses.statistics.prepared import PIVOT_ROWS, Array, Form, pivot_of
from analyses.statistics.rows import RowName

Sums = dict[Form, GridSums]


@dataclass(frozen=True, slots=True, kw_only=True)
class SimilarityWork:
    """Picklable; implements the port Work. A group is a tokenisation's id."""

    source: ActivationSource
    device: str = "auto"
    keep: Keep = field(default_factory=MemoryKeep)
    """Where parts leave their sums."""
    rows_per_step: int = ROWS_PER_STEP

    def open(self, group: str) -> "SimilarityTask":
        return SimilarityTask(self, group)


class SimilarityTask:
    """Compares layers over one tokenisation; implements the port Task."""

    def __init__(self, work: SimilarityWork, tokens_id: str) -> None:
        self.work, self.source, self.tokens_id = work, work.source, tokens_id
        self.xp = device.array_namespace(work.device)
        self._samples: dict[SampleSpec, Sample] = {}
        self._lock = Lock()

    def close(self) -> None:
        self._samples.clear()

    def do(self, unit: Unit) -> pa.Table | None:
        """Rows of the table `similarity` (with `resampled`) for a grid; None for a part, whose sums are kept.

        Raises IncomparableRunsError, RequestError (too few tokens), WorkError (rows without a similarity).
        """
        if isinstance(unit.args, PartArgs):
            self._keep(unit.key, self._part(unit.args))
            return None
        if isinstance(unit.args, MergeArgs):
            return self._merge(unit.key, unit.args)
        return self._whole(unit.args)

    def sample(self, spec: SampleSpec) -> Sample:
        """The tokens that are read; drawn once."""
        with self._lock:
            if spec not in self._samples:
                self._samples[spec] = draw(self.source.tokens(self.tokens_id, COLUMNS), spec)
            return self._samples[spec]

    def _whole(self, grid: GridArgs) -> pa.Table:
        sample = self.sample(grid.sample)
        holds = bool(grid.resamples) or any(measure.form is None for measure in grid.chosen())
        steps = self._steps(grid, sample, 0, grid.sides[0].run.n_rows)
        sums, held = self._sums(grid, sample, steps, holds=holds)
        made = HeldSides(grid, held)
        values = {cell: cell_values(grid, sums, made, cell) for cell in grid.cells}
        resampled = resampled_cells(grid, sample, sums, made, values) if grid.resamples else {}
        return similarity_rows(grid, sample, values, resampled)

    def _part(self, part: PartArgs) -> Sums:
        sample = self.sample(part.grid.sample)
        steps = self._steps(part.grid, sample, part.first_row, part.end_row)
        return self._sums(part.grid, sample, steps, holds=False)[0]

    def _merge(self, key: str, merge: MergeArgs) -> pa.Table | None:
        grid, keys = merge.grid, merge.keys
        sums = self._kept(grid, keys)
        if not merge.last:
            self._keep(key, sums)
            return None
        values = {cell: moment_values(grid, sums, cell) for cell in grid.cells}
        resampled: Resampled = {}
        if grid.by_group:
            resampled = of_kept_sums(grid, sums, (self._kept(grid, (one,)) for one in keys))
        return similarity_rows(grid, self.sample(grid.sample), values, resampled)

    def _kept(self, grid: GridArgs, keys: Sequence[str]) -> Sums:
        """Kept sums, added."""
        kept = [self.work.keep.get(name) for name in keys]
        sums = {}
        for number, form in enumerate(forms_of(grid.chosen())):
            prefix = f"{number}:"
            parts = [
                {name.removeprefix(prefix): value for name, value in part.items() if name.startswith(prefix)}
                for part in kept
            ]
            sums[form] = from_stored(parts, grid.cells, form)
        return sums

    def _keep(self, key: str, sums: Sums) -> None:
        arrays = {
            f"{number}:{name}": value
            for number, part in enumerate(sums.values())
            for name, value in to_stored(part, device.to_host).items()
        }
        self.work.keep.put(key, arrays)

    def _sums(
        self, grid: GridArgs, sample: Sample, steps: Sequence[slice], *, holds: bool
    ) -> tuple[Sums, list[Array]]:
        """The sums that the asked measures need, in one pass over the rows, and where needed the rows."""
        for side in grid.sides[1:]:
            check_comparable(grid.sides[0].run, side.run, grid.corpus)
        first = slice(0, min(PIVOT_ROWS, sample.n_tokens))
        heads = [self._read(side, sample, first) for side in grid.sides]
        sums = {}
        for form in forms_of(grid.chosen()):
            pivots = [
                pivot_of(head, form, _namer(side, sample, first))
                for head, side in zip(heads, grid.sides, strict=True)
            ]
            sums[form] = GridSums(pivots, grid.cells, form)
        held: list[list[Array]] = [[] for _ in grid.sides]
        for step, values in self._ahead(grid, sample, steps):
            names = [_namer(side, sample, step) for side in grid.sides]
            for part in sums.values():
                part.add(values, names)
            if holds:
                for rows, value_TD in zip(held, values, strict=True):
                    rows.append(value_TD)
        return sums, [self.xp.concat(rows, axis=0) for rows in held if rows]

    def _steps(self, grid: GridArgs, sample: Sample, first_row: int, end_row: int) -> list[slice]:
        """Stretches of the sample; those of all tokens end at the same rows whatever the parts are."""
        size = rows_per_step([side.width for side in grid.sides], self.work.rows_per_step)
        rows = [*range(first_row, end_row, size), end_row]
        edges: npt.NDArray[np.int64]
        if grid.by_group:
            edges = example_edges(sample.example_T, sample.row_T, rows)
        elif grid.sample.n_tokens is not None:
            edges = np.arange(0, sample.n_tokens + size, size).clip(max=sample.n_tokens)
        else:
            edges = np.searchsorted(sample.row_T, rows)
        return [slice(int(a), int(b)) for a, b in pairwise(edges) if a < b]

    def _ahead(
        self, grid: GridArgs, sample: Sample, steps: Sequence[slice]
    ) -> Iterator[tuple[slice, list[Array]]]:
        """Every side's rows, step by step; the next step is read while one is summed."""

        def read(step: slice) -> list[Array]:
            return [self._read(side, sample, step) for side in grid.sides]

        with ThreadPoolExecutor(1, thread_name_prefix="read") as pool:
            waiting: Future[list[Array]] | None = None
            for at, step in enumerate(steps):
                values = read(step) if waiting is None else waiting.result()
                waiting = pool.submit(partial(read, steps[at + 1])) if at + 1 < len(steps) else None
                yield step, values

    def _read(self, side: Side, sample: Sample, step: slice) -> Array:
        """Rows of a side; checksums are checked, unless a sample touches more than is cheap."""
        row_T: npt.NDArray[np.int64] = sample.row_T[step]
        value_TD = self.source.gather(side.run.run_id, side.site, row_T)
        if value_TD.ndim != 2 or len(value_TD) != len(row_T):
            raise WorkError(
                f"run {side.run.run_id}, {side.site}: {len(row_T)} rows were asked for and an array of "
                f"shape {value_TD.shape} came back; check the source"
            )
        return device.to_device(value_TD, self.xp)


def _namer(side: Side, sample: Sample, step: slice) -> RowName:
    """Names a row of a step by run, layer and token."""

    def name(index: int) -> str:
        at = step.start + index
        return (
            f"{side.run.checkpoint} (run {side.run.run_id}), {side.site}, example {sample.example_T[at]}, "
            f"token {sample.token_T[at]}: row {sample.row_T[at]}"
        )

    return name
