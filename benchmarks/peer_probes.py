"""A linear probe of words' tags at every layer: `actstore analyse` against scikit-learn, whole commands."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

import actstore

PROJECT = Path(__file__).parents[1]
ALONE = ("--ray-address", "none")
STUDY = """store = "store"
[[checkpoint]]
name = "model"
model = "{model}"
{corpora}
[[word_probe]]
name = "tags"
train = "train"
dev = "dev"
test = "test"
checkpoints = ["model"]
label = "upos"
"""
CORPUS = """
[[corpus]]
name = "{name}"
path = "{path}"
format = "conllu"
limit = {limit}
"""


def probe_rows(folder: Path, model: str, treebank: str, limit: int) -> list[dict[str, object]]:
    """Seconds from stored activations to the scores of all layers, Python's start included."""
    folder.mkdir()
    files = {split: next(Path(treebank).glob(f"*-{split}.conllu*")) for split in ("train", "dev", "test")}
    corpora = [CORPUS.format(name=name, path=path, limit=limit) for name, path in files.items()]
    study = folder / "study.toml"
    study.write_text(STUDY.format(model=Path(model).absolute(), corpora="".join(corpora)))
    _timed([sys.executable, "-m", "jobs.cli", "extract", str(study), *ALONE])
    ours, nothing = (
        _timed([sys.executable, "-m", "jobs.cli", "analyse", str(study), *ALONE])[0] for _ in "12"
    )
    store = actstore.open(str(folder / "store"))
    found = store.sql("SELECT layer, accuracy FROM word_probe ORDER BY layer").to_pylist()
    layers = [str(row["layer"]) for row in found]
    n_words = {split: _vectors(store, folder, split, layers) for split in ("train", "test")}
    script = str(PROJECT / "benchmarks/peers/sklearn_probes.py")
    theirs, said = _timed([sys.executable, script, str(folder), *layers])
    of_layer = json.loads(said)
    best = max(found, key=lambda row: row["accuracy"])
    best_layer, best_score = max(of_layer.items(), key=lambda item: item[1])
    mean = float(np.mean([row["accuracy"] for row in found]))
    about = f"{len(layers)} layers, {n_words['train']:,} words to learn from, {n_words['test']:,} to test"
    return [
        {"way": "actstore analyse", "what": about, "seconds": round(ours, 1), "times ours": 1.0,
         "mean accuracy": f"{mean:.3f}", "best layer": f"{best['layer']}: {best['accuracy']:.3f}"},
        {"way": "scikit-learn, from NumPy files", "what": about, "seconds": round(theirs, 1),
         "times ours": round(theirs / ours, 1), "mean accuracy": f"{np.mean(list(of_layer.values())):.3f}",
         "best layer": f"{best_layer}: {best_score:.3f}"},
        {"way": "actstore analyse once more", "what": "nothing is left to do: start and plan", "seconds":
         round(nothing, 1), "times ours": round(nothing / ours, 1), "mean accuracy": "", "best layer": ""},
    ]  # fmt: skip


def _vectors(store: actstore.Store, folder: Path, split: str, layers: list[str]) -> int:
    """Word vectors (means of their tokens) and tags, as files for scikit-learn; the number of words."""
    words = store.sql(f"SELECT example, word, upos FROM words WHERE corpus = '{split}'").to_pylist()
    tag_of = {(row["example"], row["word"]): row["upos"] for row in words}
    for layer in layers:
        table = store.query(["model"], split, layers=[int(layer)], unit="word").read_all()
        flat = table.column("activation").combine_chunks().flatten().to_numpy()
        np.save(folder / f"{split}-{layer}.npy", flat.reshape(table.num_rows, -1).astype(np.float32))
    places = zip(table.column("example").to_pylist(), table.column("word").to_pylist(), strict=True)
    tags = np.array([tag_of[place] for place in places])
    np.save(folder / f"{split}.npy", tags)
    return len(tags)


def _timed(words: list[str]) -> tuple[float, str]:
    started = time.perf_counter()
    environment = {
        **os.environ,
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "PYTHONPATH": str(PROJECT),
    }
    done = subprocess.run(words, cwd=PROJECT, capture_output=True, text=True, check=False, env=environment)
    if done.returncode:
        raise SystemExit(f"{' '.join(words)} ended with {done.returncode}:\n{done.stderr[-2000:]}")
    return time.perf_counter() - started, done.stdout
