"""A similarity block over a source that is an array in memory, and the rows it gives."""

import pickle

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from analyses.readers.sample import SampleSpec
from analyses.similarity.plan import plan_units
from analyses.similarity.request import SimilarityBlock, StoredCorpus, StoredRun
from analyses.similarity.rows import SCHEMA, in_order
from analyses.similarity.work import SimilarityWork
from tests.support.array_source import ArraySource

N_EXAMPLES = 40


LENGTH = 8


WIDTH = 6


SITES = ("L00", "L01", "L02", "final")


def make_source(**changed: npt.NDArray[np.float16]) -> ArraySource:
    rng = np.random.default_rng(0)
    base = {site: rng.standard_normal((N_EXAMPLES * LENGTH, WIDTH)) + 1 for site in SITES}
    tuned = {site: value + 0.4 * k * rng.standard_normal(value.shape) for k, (site, value) in
             enumerate(base.items())}  # fmt: skip
    values = {
        name: {site: value.astype(np.float16) for site, value in run.items()}
        for name, run in (("run-base", base), ("run-tuned", tuned))
    }
    for site, value in changed.items():
        values["run-tuned"] = {**values["run-tuned"], site: value}
    return ArraySource(values, LENGTH)


def stored(checkpoint: str, tokens_id: str = "tok", replicate: int | None = None) -> StoredRun:
    return StoredRun(
        checkpoint=checkpoint,
        run_id=f"run-{checkpoint}",
        tokens_id=tokens_id,
        sites=SITES,
        widths=(WIDTH,) * len(SITES),
        n_rows=N_EXAMPLES * LENGTH,
        replicate=replicate,
    )


def corpus(**changed: StoredRun) -> StoredCorpus:
    runs = {"base": stored("base"), "tuned": stored("tuned", replicate=3), **changed}
    return StoredCorpus(name="wiki", runs=runs)


BLOCK = SimilarityBlock(
    name="figure", pairs=(("base", "tuned"),), sample=SampleSpec(n_tokens=100), layers="matched"
)


def rows_of(block: SimilarityBlock, source: ArraySource | None = None, **options: int) -> list[dict]:
    work = SimilarityWork(source=source or make_source(), device="cpu", **options)
    work = pickle.loads(pickle.dumps(work))
    tables = []
    for unit in plan_units(block, [corpus()]).tables:
        task = work.open(unit.group)
        tables.append(task.do(unit))
        task.close()
    assert all(table.schema == SCHEMA for table in tables)
    return in_order(pa.concat_tables(tables), block, [corpus()]).to_pylist()
