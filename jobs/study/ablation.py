"""[[ablation]]: what a task loses when layers are frozen or cut off."""

from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, model_validator

from jobs.study.base import Name, refuse
from jobs.study.finetune import PRETRAINING, Trained

NONE = "none"
"""In a list of layers: nothing is frozen, not even the embeddings."""


def _layers(value: Any) -> Any:
    if value == "all":
        return value
    if isinstance(value, list | tuple) and value and all(_is_layer(item) for item in value):
        return tuple(dict.fromkeys(value))
    raise refuse('allowed are "all" or a list of numbers of layers from 0, such as ["none", 0, 3, 6]')


def _is_layer(item: Any) -> bool:
    return item == NONE or (type(item) is int and item >= 0)


class Ablation(Trained):
    """A layer ablation: a training and a score for each number of layers and each seed."""

    name: Name
    kind: Literal["freeze", "truncate", "truncate-frozen"]
    base: Name
    layers: Annotated[str | tuple[int | str, ...], BeforeValidator(_layers)] = "all"
    """Numbers of frozen (or kept) layers; for freeze also "none"."""
    keep: bool = False
    """Whether each trained model is registered as a checkpoint."""

    @model_validator(mode="after")
    def _can_be_ablated(self) -> Self:
        if self.task == PRETRAINING:
            raise refuse("masked tokens are trained with their embeddings; ablate mnli, squad or dep")
        if self.kind != "freeze" and NONE in self.layers:
            raise refuse(f'"none" is for kind = "freeze"; say how many layers kind = "{self.kind}" keeps')
        return self

    @property
    def starts_from_store(self) -> bool:
        """Whether some of its points start from stored activations of the base."""
        return self.kind != "truncate" and self.layers != (NONE,)

    @property
    def stored_layers(self) -> tuple[int, ...] | None:
        """Layers whose stored activations are read; None: all."""
        if isinstance(self.layers, str):
            return None
        return tuple(layer for layer in self.layers if isinstance(layer, int))
