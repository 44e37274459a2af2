"""[[edge_probe]] and [edge_tasks.NAME]: probes of spans and pairs of spans over mixed layers."""

from typing import Annotated, Literal

from pydantic import Field

from jobs.study.base import Block, Layers, Name, Names, Positive, Seeds
from jobs.study.training import Training

Mode = Literal["mix", "top", "lexical", "each-layer", "cumulative"]


class EdgeTask(Block):
    """What an edge-probing task is trained and tested on."""

    train: Name
    dev: Name
    test: Name
    labels: Name
    """A label set of all three corpora."""


class EdgeProbe(Training):
    """An edge-probing analysis."""

    name: Name
    tasks: Names
    """Names of [edge_tasks.NAME]."""
    checkpoints: Names
    modes: Annotated[tuple[Mode, ...], Field(strict=False, min_length=1)] = ("mix",)
    layers: Layers = "all"
    """Layers that 'each-layer' and 'cumulative' go through."""
    seeds: Seeds = (0,)
    max_steps: Positive | None = None
