"""Keys: where everything lies below a store's root. The only place that knows the folder names."""

FORMAT = "actstore.json"
CHECKPOINTS, CORPORA, TEXTS, RUNS = "checkpoints", "corpora", "texts", "runs"
MANIFESTS, RESULTS, TRAINING, EXTRACTIONS = "manifests", "results", "training", "extractions"
FOLDS = "folds"


def text(text_id: str, part: str) -> str:
    return f"{TEXTS}/{text_id}/{part}"


def label_set(text_id: str, name: str, hash_: str) -> str:
    return f"{TEXTS}/{text_id}/labels/{name}-{hash_}.parquet"


def label_record(text_id: str, name: str, hash_: str) -> str:
    return f"{TEXTS}/{text_id}/labels/{name}-{hash_}.json"


def tokens(text_id: str, tokens_id: str, part: str) -> str:
    return f"{TEXTS}/{text_id}/tokens/{tokens_id}/{part}"


def run(run_id: str, part: str = "") -> str:
    return f"{RUNS}/{run_id}/{part}" if part else f"{RUNS}/{run_id}"


def shard_object(array: str, shard: int, *, two_dimensional: bool) -> str:
    """Key of a shard's object below its run's folder: Zarr v3 default chunk keys."""
    return f"{array}/c/{shard}/0" if two_dimensional else f"{array}/c/{shard}"


def receipt(run_id: str, shard: int) -> str:
    return f"{RUNS}/{run_id}/receipts/{shard}.json"


def sealed_receipts(run_id: str) -> str:
    return f"{RUNS}/{run_id}/receipts.parquet"


def manifest(run_id: str) -> str:
    return f"{MANIFESTS}/{run_id}.json"


def begun(run_id: str) -> str:
    return f"{MANIFESTS}/{run_id}.begun"


def is_manifest(key: str) -> bool:
    """Whether a key (or name) below manifests/ is a manifest, not a mark."""
    return key.endswith(".json")


def is_mark(key: str) -> bool:
    """Whether a key below manifests/ is a mark."""
    return key.endswith(".begun")


def fold(kind: str, fold_id: str) -> str:
    return f"{FOLDS}/{kind}-{fold_id}.parquet"


def kind_of_fold(key: str) -> str:
    return key.rpartition("/")[2].partition("-")[0]


def checkpoint(name: str, part: str = "") -> str:
    return f"{CHECKPOINTS}/{name}/{part}" if part else f"{CHECKPOINTS}/{name}"


def training(training_id: str, part: str = "") -> str:
    return f"{TRAINING}/{training_id}/{part}" if part else f"{TRAINING}/{training_id}"


def extraction(name: str) -> str:
    return f"{EXTRACTIONS}/{name}.json"


def result(kind: str, name: str, result_id: str, part: str) -> str:
    return f"{RESULTS}/{kind}/{name}/{result_id}/{part}"
