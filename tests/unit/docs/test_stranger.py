"""A reader written from docs/format.md alone reads what actstore reads, and refuses what it refuses."""

import ast
from pathlib import Path

import numpy as np
import pytest

from actstore.schema.refs import CheckpointRef, CorpusRef
from actstore.session import Store
from actstore.store import names, paths
from tests.support import stranger_reader
from tests.support.small_store import SmallStore, prepare
from tests.support.stranger_reader import Stranger

ALLOWED = {"hashlib", "json", "pathlib", "numpy", "pyarrow"}


def extracted(place: Path, **spec: object) -> SmallStore:
    small = prepare(place, n_examples=30, checkpoints=("base", "tuned"), **spec)  # type: ignore[arg-type]
    small.extract()
    return small


def unseal(small: SmallStore, shard: int) -> None:
    """Take back what makes a run complete, and one shard's receipt; its bytes stay."""
    run_id = small.specs["base"].run_id
    for key in (paths.manifest(run_id), paths.sealed_receipts(run_id), paths.receipt(run_id, shard)):
        small.objects.delete(key)


def test_it_is_short_and_imports_no_more_than_numpy_json_and_pyarrow() -> None:
    source = Path(stranger_reader.__file__).read_text(encoding="utf-8")
    assert len(source.splitlines()) <= 60
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(str(node.module).split(".")[0])
    assert found <= ALLOWED


@pytest.mark.parametrize("dtype", ["float16", "float32", "int8"])
def test_it_reads_every_token_as_actstore_does(dtype: str, tmp_path: Path) -> None:
    small = extracted(tmp_path / "store", dtype=dtype)
    run = Store(small.objects).run("tuned", "small")
    stranger = Stranger(small.objects.url)
    token_table = run.tokens.select(["example", "token", "row"]).to_pylist()
    for site in ("L00", "L02"):
        ours_TD = run.rows([entry["row"] for entry in token_table], site=site, check=True)
        for entry, ours_D in zip(token_table, ours_TD, strict=True):
            row, theirs_D = stranger.token(run.run_id, site, entry["example"], entry["token"])
            assert row == entry["row"]
            assert theirs_D.dtype == ours_D.dtype
            assert np.array_equal(theirs_D, ours_D)


def test_it_lists_runs_by_every_name_they_answer_to(tmp_path: Path) -> None:
    small = extracted(tmp_path / "store")
    corpus = names.corpus(small.objects, "small").to_dict()
    names.bind_corpus(small.objects, CorpusRef.from_dict(corpus | {"name": "again"}))
    names.bind_corpus(small.objects, CorpusRef.from_dict(corpus | {"name": "again", "domain": "other"}))
    ref = names.checkpoint(small.objects, "tuned").to_dict()
    names.bind_checkpoint(small.objects, CheckpointRef.from_dict(ref | {"task": "mnli"}))
    unseal(small, 0)
    table = Store(small.objects).runs.to_pylist()
    ours = {(row["checkpoint"], row["corpus"], row["run_id"], row["complete"]) for row in table}
    assert len(ours) == 4
    assert set(Stranger(small.objects.url).runs()) == ours


def test_it_trusts_receipts_and_not_the_presence_of_bytes(tmp_path: Path) -> None:
    small = extracted(tmp_path / "store")
    unseal(small, 1)
    spec, stranger = small.specs["base"], Stranger(small.objects.url)
    first, end = spec.shard_range(1)
    assert small.objects.size(paths.run(spec.run_id, "L01/c/1/0")) is not None
    run = Store(small.objects).run("base", "small", allow_partial=True)
    for entry in run.tokens.to_pylist():
        if first <= entry["row"] < end:
            with pytest.raises(LookupError):
                stranger.token(spec.run_id, "L01", entry["example"], entry["token"])
        else:
            _, values_D = stranger.token(spec.run_id, "L01", entry["example"], entry["token"])
            assert np.array_equal(values_D, run.rows([entry["row"]], layer=1)[0])


def test_it_leaves_out_quarantined_examples_and_names_damage(tmp_path: Path) -> None:
    small = prepare(tmp_path / "store", n_examples=30, poison=9, blocks_per_shard=8, tokens_per_batch=512)
    small.extract()
    spec, stranger = small.specs["base"], Stranger(small.objects.url)
    quarantined = sorted(Store(small.objects).run("base", "small").reader.quarantined)
    assert quarantined
    with pytest.raises(LookupError, match="quarantined"):
        stranger.token(spec.run_id, "L00", quarantined[0], 0)
    whole = next(example for example in range(30) if example not in quarantined)
    stranger.token(spec.run_id, "L00", whole, 0)
    for shard in range(spec.n_shards):
        path = Path(small.objects.url) / paths.run(spec.run_id, f"L00/c/{shard}/0")
        data = bytearray(path.read_bytes())
        data[9] ^= 1
        path.write_bytes(bytes(data))
    with pytest.raises(OSError, match="damaged"):
        stranger.token(spec.run_id, "L00", whole, 0)
