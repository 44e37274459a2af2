"""Scoring: a model's outputs over a corpus, and the task's metrics of them."""

from collections.abc import Iterator

import numpy as np
import torch

from analyses.tuning.batch import Batch, make_batch
from analyses.tuning.batches import scoring_batches
from analyses.tuning.features import Activations, TaskData
from analyses.tuning.heads.head import Output
from analyses.tuning.model import TaskModel
from analyses.tuning.tasks.task import Scores, Task

TOKENS_PER_BATCH = 4096
MASK_SEED = 0
"""Of the masks that mlm is scored with."""


def outputs(
    model: TaskModel,
    data: TaskData,
    *,
    device: torch.device | None = None,
    activations: Activations | None = None,
    tokens_per_batch: int = TOKENS_PER_BATCH,
) -> Iterator[tuple[Batch, Output]]:
    """Each batch with what the head predicts from; without dropout and gradients, in float32."""
    assert (activations is not None) == model.starts_from_store
    device = device or torch.device("cpu")
    model.to(device).eval()
    for number, sequence_N in enumerate(scoring_batches(data.features.length_S, tokens_per_batch)):
        draws = np.random.default_rng([MASK_SEED, number])
        batch = make_batch(data, sequence_N, draws, device, activations)
        with torch.inference_mode():
            output = model.head.predict(model(batch), batch)
        yield batch, output


def score(
    model: TaskModel,
    task: Task,
    data: TaskData,
    *,
    device: torch.device | None = None,
    activations: Activations | None = None,
    tokens_per_batch: int = TOKENS_PER_BATCH,
) -> Scores:
    """Metrics and predictions of a model, or (heads.files.load_head) of a head on stored activations."""
    found = outputs(model, data, device=device, activations=activations, tokens_per_batch=tokens_per_batch)
    return task.score(data, found)
