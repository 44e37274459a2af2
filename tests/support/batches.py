"""Seeded batches of token ids, and where a tiny model comes from."""

from pathlib import Path
from typing import Any

import numpy as np

from actstore.capture.source import CheckpointSource
from actstore.schema.tokens import TokenBatch
from tests.support.tiny_models import N_LAYERS

LENGTHS = (3, 17, 9, 30, 1, 17)
ALL = tuple(f"L{layer:02d}" for layer in range(N_LAYERS + 1))


def make_sequences(lengths: tuple[int, ...] = LENGTHS, seed: int = 0) -> list[Any]:
    """Token ids and segments of sequences."""
    rng = np.random.default_rng(seed)
    return [(rng.integers(5, 390, n), np.sort(rng.integers(0, 2, n))) for n in lengths]


def make_batch(sequences: list[Any]) -> TokenBatch:
    """Sequences one after the other."""
    return TokenBatch(
        token_id_T=np.concatenate([ids for ids, _ in sequences]).astype(np.int32),
        segment_T=np.concatenate([types for _, types in sequences]).astype(np.int8),
        offset_N1=np.cumsum([0, *(len(ids) for ids, _ in sequences)]),
    )


def source_of(folder: Path, **options: Any) -> CheckpointSource:
    """A local checkpoint."""
    return CheckpointSource(name="tiny", model=str(folder), **options)
