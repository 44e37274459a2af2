"""TrunkSpec: which layers of which checkpoint are trained, and from what they start."""

from dataclasses import dataclass
from pathlib import Path

from actstore.errors import RequestError


@dataclass(frozen=True, slots=True, kw_only=True)
class TrunkSpec:
    """Layers k+1..n: k frozen below, n kept. n_frozen = None trains the embeddings too."""

    folder: Path
    """The checkpoint: config.json, and safetensors unless `random_seed` is given."""
    n_frozen: int | None = None
    """None: nothing is frozen; 0: the embeddings; k: embeddings and the first k layers."""
    keep_layers: int | None = None
    """The first so many layers; None: all."""
    from_store: bool = True
    """Whether frozen layers are replaced by stored activations, or run (to compare with)."""
    dropout: float | None = None
    random_seed: int | None = None
    """Start from random weights instead of the checkpoint's."""
    attention: str = "sdpa"

    @property
    def starts_from_store(self) -> bool:
        return self.from_store and self.n_frozen is not None

    def checked(self, n_layers: int) -> "tuple[int, int]":
        """(layers frozen or 0, layers kept) of a checkpoint of so many. Raises RequestError."""
        kept = n_layers if self.keep_layers is None else self.keep_layers
        if not 0 <= kept <= n_layers:
            raise RequestError(f"keep_layers = {kept}; allowed are 0 to {n_layers}, the checkpoint's layers")
        if self.n_frozen is not None and not 0 <= self.n_frozen <= kept:
            raise RequestError(f"n_frozen = {self.n_frozen}; allowed are 0 to {kept}, the layers kept")
        if self.random_seed is not None and self.n_frozen is not None:
            raise RequestError("random_seed: layers that start at random can not be frozen; drop n_frozen")
        return self.n_frozen or 0, kept
