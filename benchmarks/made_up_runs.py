"""Made-up runs for benchmarks: a study of thousands of random checkpoints and a bucket with half of its work.

Nothing is computed: manifests and receipts are there by name, and the tokenisation says that it is long.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path

from actstore.extract.driver import RunPlan
from actstore.plan.memory import blocks_per_shard
from actstore.schema.receipts import Manifest
from actstore.schema.spec import RunSpec
from actstore.store import paths, tokens
from actstore.store.catalog import fold_catalog
from actstore.store.objects import Objects
from actstore.store.records import create_record
from actstore.store.root import create_root
from actstore.store.runs import begin_runs
from jobs.console import Console
from jobs.prepare import describe_study, make_ready, stored_plans
from jobs.study.load import load_study
from tests.support.tiny_models import make_tiny_model

HALF_DONE = 100
"""Runs under way at once: a portion of what a driver hands out."""
AT_ONCE = 32
STUDY = """store = "{url}"

[[checkpoint]]
name = "random-{{seed}}"
model = "model"
init = "random"
seed = {seeds}

[[corpus]]
name = "text"
path = "text.txt"
format = "text"
max_length = 32
"""


def make_study(folder: Path, url: str, n_runs: int) -> Path:
    """A study file of so many checkpoints over one short text."""
    make_tiny_model(folder / "model", "bert")
    (folder / "text.txt").write_text("\n".join(f"the cat sat on the mat {n}" for n in range(50)))
    study = folder / "study.toml"
    study.write_text(STUDY.format(url=url, seeds=list(range(n_runs))))
    return study


def store_half(study_file: Path, n_shards: int) -> list[RunPlan]:
    """The store of that study with half of its runs complete and some half done; returns all its runs."""
    study = load_study(study_file)
    described = describe_study(study, _no_training)
    objects = create_root(study.store)
    make_ready(described, objects, Console())
    plans = stored_plans(described, objects)
    assert plans is not None
    _lengthen(objects, plans[0].spec, n_shards)
    plans = stored_plans(described, objects)
    assert plans is not None
    assert {plan.spec.n_shards for plan in plans} == {n_shards}, plans[0].spec
    half = len(plans) // 2
    specs = [plan.spec for plan in plans]
    _at_once(objects, [_manifest(spec) for spec in specs[:half]], lambda one: paths.manifest(one.run_id))
    begin_runs(objects, specs[half : half + HALF_DONE])
    for spec in specs[half : half + HALF_DONE]:
        _at_once(objects, list(range(0, n_shards, 2)), partial(paths.receipt, spec.run_id))
    fold_catalog(objects)
    return plans


def _at_once(objects: Objects, items: Sequence[object], key: object) -> None:
    def create(item: object) -> None:
        value = item.to_dict() if isinstance(item, Manifest) else {}
        create_record(objects, key(item), value)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(create, items))


def _manifest(spec: RunSpec) -> Manifest:
    return Manifest(
        run_id=spec.run_id, spec=spec, n_shards=spec.n_shards, n_tokens=spec.n_rows, n_quarantined=0,
        bytes=spec.n_rows * 64, receipts_sha256=spec.trunk_sha256, content_sha256=spec.trunk_sha256[::-1],
    )  # fmt: skip


def _lengthen(objects: Objects, spec: RunSpec, n_shards: int) -> None:
    """Let the tokenisation's record say that it has as many rows as make so many shards."""
    key = paths.tokens(spec.text_id, spec.tokens_id, "meta.json")
    meta = tokens.find_meta(objects, spec.text_id, spec.tokens_id)
    assert meta is not None
    objects.delete(key)
    blocks = (1 << power for power in range(12, -1, -1))
    sizes = (n_shards * each * spec.block_rows for each in blocks)
    wide = (spec.block_rows, spec.widths, spec.item_bytes)
    n_rows = next(n for n in sizes if -(-n // (spec.block_rows * blocks_per_shard(n, *wide))) == n_shards)
    create_record(objects, key, {**replace(meta, n_rows=n_rows, n_tokens=n_rows).to_dict(), "files": {}})


def _no_training(name: str) -> object:
    raise NotImplementedError(f"the study trains nothing, and yet {name} was asked for")
