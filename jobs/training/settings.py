"""What a [[finetune]] block says, as training takes it: settings, the head's choices, a model's sizes."""

from dataclasses import replace
from typing import Any

from analyses.tuning.settings import TrainSettings, default_settings
from jobs.study.finetune import Finetune, Trained

KEYS = (
    "epochs", "learning_rate", "batch_size", "schedule", "warmup", "weight_decay", "clip_norm", "dropout",
    "head_rate", "accumulation", "max_steps", "precision",
)  # fmt: skip
"""Keys of a study that are settings of the same name."""
SIZES = {
    "layers": "num_hidden_layers",
    "width": "hidden_size",
    "heads": "num_attention_heads",
    "inner": "intermediate_size",
    "positions": "max_position_embeddings",
}
"""Keys of `model = { ... }` and the fields of BERT's configuration."""


def train_settings(block: Finetune, seed: int) -> TrainSettings:
    """A task's defaults with what the study says. Raises RequestError for what can not be."""
    given = {key: value for key in KEYS if (value := getattr(block, key)) is not None}
    steps = tuple(sorted(set(block.save_steps) - {0}))  # the beginning is no step of the optimiser
    return replace(default_settings(block.task), **given, seed=seed, save_steps=steps)


def head_options(block: Trained) -> dict[str, Any]:
    """Choices of a head, of those that its task has."""
    if block.task == "mnli":
        return {"pooler_init": block.pooler}
    return {"subword": block.subword} if block.task == "dep" else {}


def architecture(block: Finetune) -> dict[str, int]:
    """Fields of the configuration that the study says."""
    if block.model is None:
        return {}
    found = {field: getattr(block.model, key) for key, field in SIZES.items()}
    return {field: value for field, value in found.items() if value is not None}
