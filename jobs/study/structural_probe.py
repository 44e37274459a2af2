"""[[structural_probe]]: syntax trees as distances and depths in a linear map of a layer."""

from typing import Annotated, Literal

from pydantic import Field

from jobs.study.base import Layers, Name, Names, Positive, Seeds
from jobs.study.training import Training


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
    rank: Positive | None = None
    """Rows of the map; None: the layer's width."""
    seeds: Seeds = (0,)
