"""[extract]: how activations are computed and stored."""

from typing import Literal

from jobs.study.base import Block, Positive, Sites


class Extract(Block):
    """Settings of every run of a study."""

    dtype: Literal["float32", "float16", "bfloat16", "int8"] = "float16"
    compute_dtype: Literal["float32", "float16", "bfloat16"] = "float32"
    sites: Sites = "all"
    """'all': the embeddings and every layer."""
    tokens_per_batch: Positive | None = None
    """None: the extractor's default."""
    codec: Literal["none", "zstd", "blosc"] = "none"
    attention: Literal["sdpa", "eager"] = "sdpa"
    gpus_per_worker: Positive | None = None
    """GPUs that one worker spreads a model over, for models that one GPU does not hold; None: 1."""
    pairs: Literal["needed", "all"] | None = None
    """Which checkpoints run over which corpora; None: 'needed' once there is an analysis, else 'all'."""
