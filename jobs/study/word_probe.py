"""[[word_probe]]: a class a word, with control tasks and usable information."""

from typing import Annotated, Literal

from pydantic import Field

from jobs.study.base import Layers, Name, Names, Natural, Positive, Rate, Seeds
from jobs.study.training import Training


class WordProbe(Training):
    """A word-probing analysis."""

    name: Name
    train: Name
    dev: Name
    test: Name
    checkpoints: Names
    label: Name = "upos"
    """A column of the words, or a label set."""
    kinds: Annotated[tuple[Literal["linear", "mlp"], ...], Field(strict=False, min_length=1)] = ("linear",)
    layers: Layers = "all"
    seeds: Seeds = (0,)
    control: bool = False
    """Whether each probe is also trained on the control task, for its selectivity."""
    v_information: bool = False
    given: Natural | None = None
    """A layer: what the others tell beyond it."""
    hidden: Positive = 1000
    """Units of the hidden layer of kind "mlp"."""
    memory: Rate = 3.0
    """GiB of activations that a worker holds; what needs more is streamed."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
