"""[[structural_probe]]: syntax trees as distances and depths in a linear map of a layer."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from jobs.study.base import Layers, Name, Names, Positive, Rate, Seeds, refuse
from jobs.study.training import Training


def _ranks(value: Any) -> Any:
    values = value if isinstance(value, list | tuple) else [value]
    if values and all(type(item) is int and item >= 1 for item in values):
        return tuple(values)
    raise refuse("allowed are a number of rows from 1, or a list of them, such as [1, 2, 4, 8]")


class StructuralProbe(Training):
    """A structural-probing analysis."""

    name: Name
    train: Name
    dev: Name
    test: Name
    checkpoints: Names
    kinds: Annotated[tuple[Literal["distance", "depth"], ...], Field(strict=False, min_length=1)] = (
        "distance",
        "depth",
    )
    layers: Layers = "all"
    rank: Annotated[tuple[Positive, ...] | None, BeforeValidator(_ranks)] = None
    """Columns of the map, or several to go through; None: the layer's width."""
    seeds: Seeds = (0,)
    pool: Literal["mean", "first"] = "mean"
    """Of a word's tokens."""
    punctuation: Literal["xpos", "upos", "none"] = "xpos"
    """The column by which words are left out of UUAS and root accuracy."""
    self_distances: bool = True
    """Whether a word's distance to itself is part of its row for Spearman's correlation."""
    undefined: Literal["exclude", "nan"] = "exclude"
    """What a correlation that is not defined does: it is left out and counted, or the score has no value."""
    batch_loss: Literal["mean", "sum"] = "mean"
    """Over the sentences of a batch."""
    reset_moments: bool = False
    """Whether Adam starts anew when the learning rate falls."""
    init_range: Rate = 0.05
    device: Literal["auto", "cpu", "cuda"] = "auto"
    predictions: bool = False
    """Whether predicted distances and depths of dev and test are kept."""
