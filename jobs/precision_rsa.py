"""What a lower precision costs RSA: 1 - RSA of a run with the float32 run of the same tokens."""

from actstore.schema.refs import layer_site
from actstore.store.catalog import RunInfo
from actstore.store.objects import Objects
from actstore.store.source import StoreSource
from analyses.readers.sample import SampleSpec
from analyses.similarity.plan import plan_units
from analyses.similarity.request import SimilarityBlock, StoredCorpus
from analyses.similarity.work import SimilarityWork
from jobs.stored import stored_run


def rsa_losses(objects: Objects, exact: RunInfo, info: RunInfo, n_tokens: int) -> dict[str, float]:
    """1 - RSA over a sample of tokens, by site, for the layers that both runs hold."""
    runs = {other.run_id: stored_run(other.run_id, other) for other in (exact, info)}
    block = SimilarityBlock(
        name="fidelity", pairs=((exact.run_id, info.run_id),), sample=SampleSpec(n_tokens=n_tokens)
    )
    plan = plan_units(block, [StoredCorpus(name="", runs=runs)])
    task = SimilarityWork(source=StoreSource(objects.url), device="cpu").open(info.spec.tokens_id)
    tables = [task.do(unit) for unit in plan.tables]
    rows = [row for table in tables if table is not None for row in table.to_pylist()]
    return {layer_site(row["layer_a"]): 1.0 - row["value"] for row in rows}
