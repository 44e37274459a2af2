"""Ids and hashes recomputed from stored files as sections 3 and 7 of docs/format.md say, by other code."""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from actstore.capture.identity import random_sha256, trunk_sha256
from actstore.schema.text import SPAN_LABELS
from actstore.store import labels
from tests.support.small_store import SmallStore, prepare

CONFIG = {
    "model_type": "bert", "hidden_size": 4, "num_attention_heads": 2, "layer_norm_eps": 1e-12, "dropout": 0.3,
    "_name_or_path": "x", "pooler": None, "is_decoder": False, "num_labels": 3,
}  # fmt: skip
KEPT_CONFIG = {"model_type": "bert", "hidden_size": 4, "num_attention_heads": 2, "layer_norm_eps": 1e-12}


def canonical(value: Any) -> bytes:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.encode()


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> SmallStore:
    made = prepare(tmp_path_factory.mktemp("identity") / "store", n_examples=9, dtype="int8", poison=9,
                   blocks_per_shard=8, tokens_per_batch=512)  # fmt: skip
    made.extract()
    return made


def root(small: SmallStore) -> Path:
    return Path(small.objects.url)


def record(path: Path) -> dict[str, Any]:
    return dict(json.loads(path.read_text(encoding="utf-8")))


def by_example(rows: list[dict[str, Any]], n_examples: int, fields: str) -> list[list[list[Any]]]:
    """The named fields of each example's rows."""
    names = fields.split()
    chosen: list[list[list[Any]]] = [[] for _ in range(n_examples)]
    for row in rows:
        chosen[row["example"]].append([row[name] for name in names])
    return chosen


def test_text_id_and_the_hashes_of_its_label_sets(small: SmallStore) -> None:
    (folder,) = (root(small) / "texts").iterdir()
    examples = pq.read_table(folder / "examples.parquet").to_pylist()
    words = by_example(
        pq.read_table(folder / "words.parquet").to_pylist(), len(examples), "segment char_start char_end text"
    )
    parts = [
        canonical([example["source_id"], example["text"], example["text_b"], mine])
        for example, mine in zip(examples, words, strict=True)
    ]
    assert folder.name == sha256(b"t 1" + b"".join(parts))[:20]

    corpus = record(root(small) / "corpora/small/ref.json")
    tags = pq.read_table(folder / f"labels/words-{corpus['word_labels']}.parquet").to_pylist()
    inner = sha256(
        b"w 1" + b"".join(map(canonical, by_example(tags, len(examples), "upos xpos head deprel")))
    )
    assert corpus["word_labels"] == sha256((folder.name + inner).encode())[:20]
    classes = pq.read_table(folder / f"labels/examples-{corpus['example_labels']}.parquet")[
        "label"
    ].to_pylist()
    inner = sha256(b"c 1" + b"".join(map(canonical, classes)))
    assert corpus["example_labels"] == sha256((folder.name + inner).encode())[:20]


def test_the_hash_of_a_label_set_added_later(tmp_path: Path) -> None:
    small = prepare(tmp_path / "store", n_examples=2)
    table = pa.Table.from_pylist([{"example": 0, "target": 0, "label": "x"}], schema=SPAN_LABELS)
    hash_ = labels.add_labels(small.objects, small.specs["base"].text_id, "srl-b", table)
    (path,) = root(small).glob(f"texts/*/labels/srl-b-{hash_}.parquet")
    rows = [list(row.values()) for row in pq.read_table(path).to_pylist()]
    inner = sha256(b"s 1" + b"".join(map(canonical, rows)))
    assert hash_ == sha256((path.parents[1].name + inner).encode())[:20]


def test_tokens_id_run_id_and_the_hashes_of_files(small: SmallStore) -> None:
    (folder,) = root(small).glob("texts/*/tokens/*")
    meta = record(folder / "meta.json")
    fields = ("tokens_version", "text_id", "tokenizer_sha256", "settings", "block_rows")
    assert folder.name == sha256(canonical({name: meta[name] for name in fields}))[:20]
    (spec,) = root(small).glob("runs/*/spec.json")
    assert spec.parent.name == sha256(canonical(record(spec)))[:20]
    for place in (folder, folder.parents[1]):
        for name, file in record(place / "meta.json")["files"].items():
            data = (place / name).read_bytes()
            assert file == {"bytes": len(data), "sha256": sha256(data)}


def test_the_hashes_of_a_manifest(small: SmallStore) -> None:
    (path,) = (root(small) / "manifests").iterdir()
    manifest, run = record(path), root(small) / "runs" / path.stem
    assert path.read_bytes() == canonical(manifest) + b"\n"
    assert len(path.read_bytes()) <= 4096
    assert manifest["spec"] == record(run / "spec.json")
    folded = pq.read_table(run / "receipts.parquet")["receipt"].to_pylist()
    receipts = [json.loads(text) for text in folded]
    assert [text.encode() for text in folded] == [canonical(receipt) for receipt in receipts]
    assert receipts == [record(run / f"receipts/{shard}.json") for shard in range(manifest["n_shards"])]
    fields = ("shard", "first_row", "n_rows", "n_tokens", "objects", "quarantined")
    listed = [{name: receipt[name] for name in fields} for receipt in receipts]
    assert manifest["receipts_sha256"] == sha256(canonical(listed))
    objects = [item for receipt in receipts for item in receipt["objects"]]
    assert manifest["content_sha256"] == sha256("".join(item["sha256"] for item in objects).encode())
    assert [item["array"] for item in receipts[0]["objects"]] == [
        array for site in manifest["spec"]["sites"] for array in (site, f"{site}.scale")
    ]
    for item in objects:
        assert sha256((run / item["key"]).read_bytes()) == item["sha256"]
    assert manifest["bytes"] == sum(item["bytes"] for item in objects)
    bad = {item["example"] for receipt in receipts for item in receipt["quarantined"]}
    assert manifest["n_quarantined"] == len(bad) > 0


def write_model(folder: Path, tensors: dict[str, np.ndarray]) -> None:
    """config.json and a safetensors file, by hand."""
    header, data = {}, b""
    for name, value in tensors.items():
        header[name] = {"dtype": "F32", "shape": list(value.shape),
                        "data_offsets": [len(data), len(data) + value.nbytes]}  # fmt: skip
        data += value.tobytes()
    encoded = json.dumps(header).encode()
    folder.mkdir(exist_ok=True)
    (folder / "config.json").write_text(json.dumps(CONFIG))
    (folder / "model.safetensors").write_bytes(len(encoded).to_bytes(8, "little") + encoded + data)


def test_trunk_hash_of_stored_weights(tmp_path: Path) -> None:
    values = {name: np.arange(i + 2, dtype="<f4") + i for i, name in enumerate("abcd")}
    named = {
        "encoder.b": "a",
        "embeddings.LayerNorm.gamma": "b",
        "cls.x": "c",
        "embeddings.position_ids": "d",
    }
    write_model(tmp_path / "m", {f"bert.{name}": values[which] for name, which in named.items()})
    kept = [("embeddings.LayerNorm.weight", values["b"]), ("encoder.b", values["a"])]
    head = {"config": KEPT_CONFIG, "tensors": [[name, "F32", list(value.shape)] for name, value in kept]}
    expected = sha256(canonical(head) + b"".join(value.tobytes() for _, value in kept))
    assert trunk_sha256(tmp_path / "m", CONFIG) == expected


def test_trunk_hash_of_a_random_initialisation() -> None:
    config = {**KEPT_CONFIG, "initializer_range": 0.02}
    expected = sha256(canonical({"config": config, "init": "random", "seed": 5, "version": 1}))
    assert random_sha256(CONFIG, 5) == expected
