"""A reader of uncompressed runs, written from docs/format.md alone: it knows neither actstore nor zarr."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

STORED = {"float32": "<f4", "float16": "<f2", "int8": "<i1"}


class Stranger:
    def __init__(self, root):
        self.root = Path(root)
        if (about := self.record("actstore.json")) != {"format": "actstore", "version": 1}:
            raise ValueError(f"can not read {about}")

    def record(self, path):
        return json.loads((self.root / path).read_text(encoding="utf-8"))

    def names(self, kind, field, value):
        for folder in sorted((self.root / kind).iterdir()):
            bound = self.record(max((folder / "about").glob("*.json"), default=folder / "ref.json"))
            if bound[field] == value:
                yield bound["name"]

    def runs(self):
        for path in sorted(self.root.glob("runs/*/spec.json")):
            run_id, spec = path.parent.name, self.record(path)
            for checkpoint in self.names("checkpoints", "trunk_sha256", spec["trunk_sha256"]):
                for corpus in self.names("corpora", "text_id", spec["text_id"]):
                    yield checkpoint, corpus, run_id, (self.root / f"manifests/{run_id}.json").exists()

    def receipts(self, run_id):
        folder, manifest = self.root / f"runs/{run_id}", self.root / f"manifests/{run_id}.json"
        found = [self.record(path) for path in folder.glob("receipts/*.json")]
        if manifest.exists() and (folder / "receipts.parquet").exists():
            found = map(json.loads, pq.read_table(folder / "receipts.parquet")["receipt"].to_pylist())
        return {receipt["shard"]: receipt for receipt in found}

    def token(self, run_id, site, example, token):
        spec, receipts = self.record(f"runs/{run_id}/spec.json"), self.receipts(run_id)
        tokens = self.root / f"texts/{spec['text_id']}/tokens/{spec['tokens_id']}/tokens.parquet"
        (asked,) = pq.read_table(tokens, filters=[("example", "=", example), ("token", "=", token)])["row"]
        shard, r = divmod(row := asked.as_py(), spec["block_rows"] * spec["blocks_per_shard"])
        if any(bad["example"] == example for receipt in receipts.values() for bad in receipt["quarantined"]):
            raise LookupError(f"example {example} is quarantined")
        objects = {item["array"]: item for item in receipts[shard]["objects"]}
        c, width = spec["chunk_rows"], spec["widths"][spec["sites"].index(site)]
        values = self.row(run_id, objects[site], r, c, width, STORED[spec["dtype"]])
        if spec["dtype"] == "int8":
            values = values * self.row(run_id, objects[site + ".scale"], r, c, 1, "<f4")
        return row, values

    def row(self, run_id, item, r, c, d, dtype):
        data, size = (self.root / f"runs/{run_id}/{item['key']}").read_bytes(), int(dtype[-1])
        if hashlib.sha256(data).hexdigest() != item["sha256"]:
            raise OSError(f"{item['key']} is damaged")
        return np.frombuffer(data, dtype, d, (r // c) * (c * d * size + 4) + (r % c) * d * size)
