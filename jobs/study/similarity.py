"""[[similarity]]: how alike the activations of two checkpoints are, layer by layer."""

from typing import Annotated, Literal

from pydantic import Field

from jobs.study.base import Block, Name, Names, Natural, Pairs, Tokens

Measure = Literal[
    "rsa", "cka", "cka-debiased", "cka-minibatch", "cca", "svcca", "pwcca", "procrustes", "shape",
    "neighbours", "rtd",
]  # fmt: skip


class Similarity(Block):
    """A similarity analysis."""

    name: Name
    measures: Annotated[tuple[Measure, ...], Field(strict=False, min_length=1)]
    pairs: Pairs = "base"
    """'base': each checkpoint that has a base, with it; 'all': each two; or a list of pairs."""
    corpora: Names
    layers: Literal["matched", "relative", "all"] = "matched"
    """'matched': the same layer of both; 'relative': layers as deep in their models; 'all': every layer
    of one with every layer of the other."""
    tokens: Tokens = 5000
    """Size of the sample, the same tokens for every layer and checkpoint; or 'all'."""
    resamples: Natural = 0
    """Bootstrap samples for the interval low ... high; 0: none."""
    include_special: bool = False
    skip_first: Natural | None = None
    """Leading tokens of each example that are left out; None: 0 for encoders, 1 for decoders."""
    unit: Literal["token", "word"] = "token"
    kernel: Literal["cosine", "linear", "euclidean", "rbf"] = "cosine"
    """Of rsa; 'rbf' also of cka and cka-debiased."""
    compare: Literal["pearson", "spearman"] = "pearson"
    """How rsa compares the kernels of two checkpoints."""
    alpha: Annotated[float, Field(ge=0, le=1)] = 1.0
    """Of shape: 1 leaves the activations as they are, 0 whitens them."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
