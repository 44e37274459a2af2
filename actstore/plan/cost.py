"""Cost: time and the store-or-recompute verdict of a run, from sizes, rates and stated assumptions."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

CPU_FLOPS = 40e9
"""Floating-point operations a second that one compute thread brings to a forward in float32: assumed where
nothing is measured. Current server cores reached 60 to 100 thousand million (docs/benchmarks)."""
READ_BYTES = 1e9
"""Bytes a second at which an analysis reads a store back: assumed, of a local disk or the page cache."""
INNER_FIELDS = ("intermediate_size", "n_inner", "ffn_dim", "hidden_dim", "d_ff")
GATED = ("llama", "mistral", "qwen2", "qwen3", "phi3", "gemma", "smollm3")
"""Model types whose feed-forward has a third matrix."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSize:
    """What of a model decides its cost."""

    n_layers: int
    width: int
    inner: int
    vocabulary: int
    gated: bool

    @property
    def layer_parameters(self) -> int:
        """Weights of one layer's matrices."""
        return 4 * self.width**2 + (3 if self.gated else 2) * self.width * self.inner

    @property
    def parameters(self) -> int:
        """Weights of the trunk, near enough: layers and the token table."""
        return self.n_layers * self.layer_parameters + self.vocabulary * self.width

    def forward_flops(self, mean_length: float) -> float:
        """Operations of one token's forward: two a weight, and attention to its sequence."""
        return self.n_layers * (2 * self.layer_parameters + 4 * self.width * mean_length)


def model_size(config: Mapping[str, Any], n_layers: int, width: int) -> ModelSize:
    """Sizes from a model's configuration; a feed-forward that is not stated is four times the width."""
    inner = next((config[name] for name in INNER_FIELDS if isinstance(config.get(name), int)), 4 * width)
    vocabulary = config.get("vocab_size")
    return ModelSize(
        n_layers=n_layers,
        width=width,
        inner=inner,
        vocabulary=vocabulary if isinstance(vocabulary, int) else 0,
        gated=config.get("model_type") in GATED,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """What has to be alike for a measured speed to count."""

    family: str
    n_layers: int
    width: int
    compute_dtype: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """The speed of one worker, as receipts or a calibration told it."""

    kind: Kind
    device: str
    n_tokens: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Speed:
    """Tokens a second of one worker, and where the figure is from."""

    tokens_per_second: float
    source: str
    """'calibrated', 'measured' or 'estimated'."""
    note: str

    def seconds(self, n_tokens: float) -> float:
        """Time of one worker for so many tokens."""
        return n_tokens / self.tokens_per_second


def speed(size: ModelSize, kind: Kind, mean_length: float, measured: Sequence[Measured]) -> Speed:
    """From what was measured of the same kind, on the device that did most; else from operations."""
    by_device: dict[str, tuple[int, float]] = {}
    for item in measured:
        if item.kind == kind and item.n_tokens and item.seconds > 0:
            tokens, seconds = by_device.get(item.device, (0, 0.0))
            by_device[item.device] = (tokens + item.n_tokens, seconds + item.seconds)
    if by_device:
        device, (tokens, seconds) = max(by_device.items(), key=lambda entry: entry[1][0])
        return Speed(
            tokens_per_second=tokens / seconds, source="measured", note=f"receipts of this store, {device}"
        )
    return Speed(
        tokens_per_second=CPU_FLOPS / size.forward_flops(mean_length),
        source="estimated",
        note=f"a worker of one CPU thread at {CPU_FLOPS / 1e9:.0f} GFLOP/s; --calibrate measures it",
    )


def pays_from(forward_seconds: float, read_seconds: float) -> int | None:
    """From which analysis on storing is cheaper than running the model for each; None: never.

    Storing costs one forward and a reading for each analysis; writing goes on beside the forward.
    """
    saved = forward_seconds - read_seconds
    return math.floor(forward_seconds / saved) + 1 if saved > 0 else None


@dataclass(frozen=True, slots=True, kw_only=True)
class AssumedTokens:
    """How many tokens a text may come to where its tokenizer is not there."""

    n_tokens: int
    n_rows: int


TOKENS_PER_WORD = 1.3
"""Subwords of an English word, BERT's and GPT-2's vocabularies: assumed where there is no tokenizer."""
SPECIAL_TOKENS = 2
UNUSED_ROWS = 0.01
"""Share of the rows that stay empty at the ends of blocks."""


def assumed_tokens(n_words: int, n_examples: int, block_rows: int) -> AssumedTokens:
    """From words: none is cut off, special tokens are two an example."""
    n_tokens = math.ceil(n_words * TOKENS_PER_WORD) + SPECIAL_TOKENS * n_examples
    n_blocks = max(1, math.ceil(n_tokens * (1 + UNUSED_ROWS) / block_rows))
    return AssumedTokens(n_tokens=n_tokens, n_rows=n_blocks * block_rows)


def refusals(
    *, needed_bytes: float, free_bytes: float | None, worker_bytes: float, machine_bytes: float | None
) -> list[str]:
    """Why this disk or this machine can not hold what is asked; None is not known and refuses nothing."""
    found = []
    if free_bytes is not None and needed_bytes > free_bytes:
        found.append(
            f"the missing shards take {needed_bytes / 1e9:.2f} GB, the store's disk has "
            f"{free_bytes / 1e9:.2f} GB free; choose fewer sites, a smaller dtype (int8), a limit for the "
            "corpus, or another disk"
        )
    if machine_bytes is not None and worker_bytes > machine_bytes:
        found.append(
            f"a worker needs up to {worker_bytes / 1e9:.2f} GB of memory, this machine has "
            f"{machine_bytes / 1e9:.2f} GB; choose fewer sites, a smaller tokens_per_batch or compute_dtype, "
            "or plan on the machine that will run it"
        )
    return found
