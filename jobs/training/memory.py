"""Memory of a training, bounded before it starts: weights, optimiser, one batch's activations, the corpus."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from actstore.errors import CapacityError
from actstore.plan.cost import ModelSize, model_size
from actstore.plan.memory import HEAP_BYTES, LIBRARIES_BYTES
from actstore.schema.refs import CheckpointRef
from actstore.schema.tokens import TokensMeta
from analyses.tuning.settings import TrainSettings

FLOAT_BYTES = 4
"""Weights, moments and, on a CPU, activations are float32."""
LAYER_WIDTHS, LAYER_INNERS, LAYER_SCORES = 16, 3, 2
"""Values of a token that a layer keeps for its gradients, in multiples of its width (inputs, queries, keys,
values, what attention gives, dropout, two norms), of its feed-forward's width, and of heads x longest
sequence (attention with dropout is not fused on a CPU)."""
GATED_INNERS, WRITTEN_OUT_INNERS = 2, 6
"""More of the feed-forward where it has a gate, and where its activation is written as array operations."""
WRITTEN_OUT = ("gelu_new", "gelu_fast", "quick_gelu")
BACKWARD_LAYERS = 1
"""Layers' worth of values that are alive beside, while gradients go back through one."""
WEIGHT_COPIES = 2
"""Any weight: itself, and once more while a checkpoint is written."""
TRAINED_COPIES = 5
"""More of a trained weight: gradient, two moments, and what a state adds while it is kept."""
RELATIONS = 128
"""More relations than any treebank of Universal Dependencies has."""
ARC_WIDTH, LABEL_WIDTH = 500, 100
MASKED, LOGITS = 0.2, 4
"""Of masked tokens: their share of a batch at most, and how often their scores are held."""
TOKEN_BYTES, TEXT_BYTES = 80, 100
"""Of the training corpus, a token: its columns while they are read; with words or paragraphs beside them."""
ACTIVATION_FIELDS = ("hidden_act", "activation_function", "activation")
HEAD_FIELDS = ("num_attention_heads", "n_head", "n_heads")


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainSize:
    """What of a training decides its memory."""

    task: str
    model: ModelSize
    n_heads: int
    batch_size: int
    accumulation: int
    longest: int
    """Tokens of the longest sequence."""
    n_tokens: int
    """Of the training corpus."""
    frozen_layers: int | None = None
    activation: str = ""
    """Name of the feed-forward's activation."""

    @property
    def batch_tokens(self) -> int:
        """Padded tokens of the largest part of a batch."""
        return -(-self.batch_size // self.accumulation) * self.longest

    @property
    def n_trained_layers(self) -> int:
        return self.model.n_layers - (self.frozen_layers or 0)


def train_size(
    task: str,
    start: CheckpointRef,
    changed: Mapping[str, Any],
    settings: TrainSettings,
    train: TokensMeta,
    *,
    frozen_layers: int | None = None,
) -> TrainSize:
    """From a start, fields of its configuration that are `changed`, and the corpus's tokens."""
    config = {**(start.config or {}), **changed}
    n_layers, width = config.get("num_hidden_layers", start.n_layers), config.get("hidden_size", start.width)
    heads = next((config[name] for name in HEAD_FIELDS if isinstance(config.get(name), int)), width // 64)
    return TrainSize(
        task=task,
        model=model_size(config, n_layers, width),
        n_heads=max(1, heads),
        batch_size=min(settings.batch_size, train.n_sequences),
        accumulation=settings.accumulation,
        longest=min(train.settings.max_length, train.n_tokens),
        n_tokens=train.n_tokens,
        frozen_layers=frozen_layers,
        activation=next((str(config[name]) for name in ACTIVATION_FIELDS if name in config), ""),
    )


def training_bytes(size: TrainSize) -> int:
    """Upper bound of what a training adds to a worker that has its libraries loaded, in bytes."""
    return _weights(size) + _activations(size) + _corpus(size) + HEAP_BYTES


def _weights(size: TrainSize) -> int:
    model = size.model
    positions = size.longest * model.width
    head = _head_parameters(size)
    trained = size.n_trained_layers * model.layer_parameters + head
    if size.frozen_layers is None:
        trained += model.vocabulary * model.width + positions
    every = model.parameters + positions + head
    return FLOAT_BYTES * (WEIGHT_COPIES * every + TRAINED_COPIES * trained)


def _head_parameters(size: TrainSize) -> int:
    width = size.model.width
    if size.task == "dep":
        biaffine = (ARC_WIDTH + 1) * ARC_WIDTH + RELATIONS * (LABEL_WIDTH + 1) ** 2
        return 2 * width * (ARC_WIDTH + LABEL_WIDTH) + biaffine
    return width * width + size.model.vocabulary if size.task == "mlm" else width * (width + 3)


def _activations(size: TrainSize) -> int:
    model = size.model
    inners = LAYER_INNERS + GATED_INNERS * model.gated + WRITTEN_OUT_INNERS * (size.activation in WRITTEN_OUT)
    scores = LAYER_SCORES * size.n_heads * size.longest
    layer = LAYER_WIDTHS * model.width + inners * model.inner + scores
    layers = layer * (size.n_trained_layers + BACKWARD_LAYERS)
    return int(FLOAT_BYTES * size.batch_tokens * (layers + _head_values(size)))


def _head_values(size: TrainSize) -> float:
    """Of a token; a word of a treebank counts as a token."""
    if size.task == "dep":
        layers = 4 * 2 * (ARC_WIDTH + LABEL_WIDTH)
        return layers + LAYER_SCORES * size.longest + 3 * RELATIONS * (LABEL_WIDTH + 1)
    return MASKED * LOGITS * size.model.vocabulary if size.task == "mlm" else 4 * size.model.width


def _corpus(size: TrainSize) -> int:
    return size.n_tokens * (TOKEN_BYTES + (TEXT_BYTES if size.task in ("dep", "squad") else 0))


def check_memory(name: str, needed_bytes: int, worker_bytes: int) -> None:
    """Raise CapacityError where a worker that may have so much memory can not hold a training."""
    needed = needed_bytes + LIBRARIES_BYTES
    if needed > worker_bytes:
        raise CapacityError(
            f"training {name!r} takes up to {needed / 1e9:.1f} GB of memory, a worker here may have "
            f"{worker_bytes / 1e9:.1f} GB; raise accumulation (a batch then runs in parts), "
            "lower max_length or batch_size, or use a larger machine"
        )
