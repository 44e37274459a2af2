"""POINTS: the rows of an ablation as its parts hold them: the table's columns, and what the point cost."""

import pyarrow as pa

from actstore.schema.tables import RESULTS

COST = {
    "n_steps": pa.int64(),
    "seconds": pa.float64(),
    "loss": pa.float64(),
    "n_train_tokens": pa.int64(),
    "n_dev_tokens": pa.int64(),
    "layers_not_run": pa.int32(),
    "read_bytes": pa.int64(),
    "train_run": pa.string(),
    "dev_run": pa.string(),
}
"""Steps and seconds of the training, with those before it was resumed; mean loss of the last epoch; tokens
that went through it, each as often as it did; layers below the start, neither loaded nor run; bytes of
activations that were read instead, and the runs they are of."""

POINTS = pa.schema([*RESULTS["ablation"], *COST.items()])
