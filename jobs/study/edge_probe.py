"""[[edge_probe]] and [edge_tasks.NAME]: probes of spans and pairs of spans over mixed layers."""

from typing import Annotated, Literal

from pydantic import Field

from jobs.study.base import Block, Layers, Name, Names, Positive, Rate, Seeds

Mode = Literal["mix", "top", "lexical", "each-layer", "cumulative"]


class EdgeTask(Block):
    """What an edge-probing task is trained and tested on."""

    train: Name
    dev: Name
    test: Name
    labels: Name
    """A label set of all three corpora."""


class SpanProbe(Block):
    """What all probes of spans have in common; None leaves a key to the method's own default."""

    name: Name
    tasks: Names
    """Names of [edge_tasks.NAME]."""
    checkpoints: Names
    modes: Annotated[tuple[Mode, ...], Field(strict=False, min_length=1)] = ("mix",)
    layers: Layers = "all"
    """Layers that 'each-layer' and 'cumulative' go through."""
    seeds: Seeds = (0,)
    learning_rate: Rate | None = None
    batch_size: Positive | None = None
    """Sentences."""
    max_steps: Positive | None = None
    validate_every: Positive | None = None
    """Steps between two looks at the dev set."""
    hidden: Positive = 256
    """Units of the projection and of the hidden layer."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    predictions: bool = False
    """Whether the logits of dev and test are kept."""


class EdgeProbe(SpanProbe):
    """An edge-probing analysis."""

    memory: Rate = 3.0
    """GiB of activations that a worker holds; what needs more is streamed."""
