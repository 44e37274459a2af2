"""The columns of every table a user can ask with SQL (docs/format.md), beside those of text and tokens."""

import pyarrow as pa

_S, _I, _F, _B = pa.string(), pa.int32(), pa.float64(), pa.bool_()

CHECKPOINTS = pa.schema(
    [("name", _S), ("trunk_sha256", _S), ("base", _S), ("task", _S), ("replicate", _I), ("step", pa.int64()),
     ("family", _S), ("n_layers", _I), ("width", _I)]
)  # fmt: skip
CORPORA = pa.schema(
    [("name", _S), ("text_id", _S), ("tokens_id", _S), ("domain", _S), ("n_examples", pa.int64()),
     ("n_words", pa.int64()), ("n_tokens", pa.int64()), ("n_truncated", pa.int64())]
)  # fmt: skip
RUNS = pa.schema(
    [("run_id", _S), ("checkpoint", _S), ("corpus", _S), ("tokens_id", _S), ("dtype", _S),
     ("sites", pa.list_(_S)), ("n_shards", _I), ("n_done", _I), ("n_quarantined", _I),
     ("bytes", pa.int64()), ("complete", _B)]
)  # fmt: skip

RESULTS: dict[str, pa.Schema] = {
    "similarity": pa.schema(
        [("name", _S), ("measure", _S), ("corpus", _S), ("checkpoint_a", _S), ("checkpoint_b", _S),
         ("layer_a", _I), ("layer_b", _I), ("n_tokens", pa.int64()), ("seed", _I), ("replicate", _I),
         ("value", _F), ("low", _F), ("high", _F)]
    ),
    "drift": pa.schema(
        [("corpus", _S), ("checkpoint_a", _S), ("checkpoint_b", _S), ("layer", _I), ("example", _I),
         ("token", _I), ("cosine", pa.float32()), ("relative_l2", pa.float32())]
    ),
    "edge_probe": pa.schema(
        [("name", _S), ("task", _S), ("checkpoint", _S), ("mode", _S), ("layer", _I), ("seed", _I),
         ("split", _S), ("n_targets", pa.int64()), ("precision", _F), ("recall", _F),
         ("micro_f1_all", _F), ("micro_f1_clean", _F)]
    ),
    "word_probe": pa.schema(
        [("name", _S), ("task", _S), ("checkpoint", _S), ("layer", _I), ("kind", _S), ("seed", _I),
         ("accuracy", _F), ("control_accuracy", _F), ("h_v_bits", _F), ("i_v_bits", _F)]
    ),
    "structural_probe": pa.schema(
        [("name", _S), ("kind", _S), ("checkpoint", _S), ("layer", _I), ("rank", _I), ("seed", _I),
         ("split", _S), ("n_sentences", pa.int64()), ("spearman", _F), ("uuas", _F), ("root_acc", _F)]
    ),
    "mdl_probe": pa.schema(
        [("name", _S), ("task", _S), ("checkpoint", _S), ("mode", _S), ("layer", _I), ("seed", _I),
         ("code", _S), ("n_targets", pa.int64()), ("uniform_bits", _F), ("codelength_bits", _F),
         ("compression", _F)]
    ),
    "task_score": pa.schema(
        [("task", _S), ("checkpoint", _S), ("corpus", _S), ("metric", _S), ("value", _F)]
    ),
    "ablation": pa.schema(
        [("name", _S), ("kind", _S), ("task", _S), ("base", _S), ("n_layers", _I), ("seed", _I),
         ("metric", _S), ("value", _F)]
    ),
    "analysis": pa.schema(
        [("name", _S), ("kind", _S), ("corpus", _S), ("checkpoint_a", _S), ("checkpoint_b", _S),
         ("layer", _I), ("n_tokens", pa.int64()), ("seed", _I), ("metric", _S), ("value", _F)]
    ),
}  # fmt: skip
"""By kind; a result's table has these columns in this order."""
