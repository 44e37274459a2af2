"""[[finetune]]: checkpoints that the study trains itself, one a seed and, on the way, some of each."""

from dataclasses import dataclass
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from jobs.study.base import Block, Name, Names, Natural, Positive, Rate, Seeds, Share, Text, refuse
from jobs.study.training import Training

SEED = "{seed}"
PRETRAINING = "mlm"


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """One checkpoint that comes out."""

    name: str
    seed: int
    start: str
    """The checkpoint whose weights (or, for pre-training, configuration and tokenizer) it starts from."""
    base: str | None
    """What it is compared with by default; None where it starts from random weights."""
    step: int | None = None
    """Of an early checkpoint."""


class Trained(Training):
    """A task and what it is trained and scored on."""

    task: Literal["mnli", "squad", "dep", "mlm"]
    train: Name
    dev: Name
    seeds: Seeds = (0,)
    schedule: Literal["bert_tf", "hf_linear"] | None = None
    warmup: Share | None = None
    """Part of the steps over which the learning rate rises."""
    weight_decay: Share | None = None
    clip_norm: Rate | None = None
    dropout: Share | None = None
    """Of the layers; None: as the base's configuration says."""
    head_rate: Rate | None = None
    accumulation: Positive | None = None
    max_steps: Positive | None = None
    precision: Literal["auto", "float32", "bfloat16", "float16"] | None = None
    pooler: Literal["pretrained", "random"] = "pretrained"
    """mnli: what the pooler starts from."""
    subword: Literal["first", "mean"] = "first"
    """dep: which of a word's tokens stand for it."""


class Architecture(Block):
    """Sizes of a model that is pre-trained; None: as the base's configuration says."""

    layers: Positive | None = None
    width: Positive | None = None
    heads: Positive | None = None
    inner: Positive | None = None
    """Width of the feed-forward layers."""
    positions: Positive | None = None


class Finetune(Trained):
    """A fine-tuning; `{seed}` stands for each seed in the names of what comes out and of the base."""

    name: Text
    base: Text
    test: Annotated[tuple[Name, ...], Field(strict=False)] = ()
    """Further corpora that it is scored on."""
    frozen_layers: Natural | None = None
    save_steps: Annotated[tuple[Natural, ...], Field(strict=False)] = ()
    init: Literal["base", "random"] | None = None
    model: Architecture | None = None

    @model_validator(mode="after")
    def _one_name_a_seed(self) -> Self:
        if len(self.seeds) > 1 and SEED not in self.name:
            raise refuse(f'{len(self.seeds)} seeds share the name "{self.name}"; put {SEED} into it')
        return self

    @model_validator(mode="after")
    def _pretraining(self) -> Self:
        if self.model is not None and (self.task != PRETRAINING or not self.starts_random):
            raise refuse('model = { ... } is for task = "mlm" from random weights; leave it out')
        if self.starts_random and self.frozen_layers is not None:
            raise refuse("frozen_layers: random weights would stay random; leave it out")
        return self

    @property
    def starts_random(self) -> bool:
        """Whether it starts from random weights: the default of pre-training alone."""
        return (self.init or ("random" if self.task == PRETRAINING else "base")) == "random"

    @property
    def made(self) -> tuple[Made, ...]:
        """Everything that comes out, by seed, the early ones before the last."""
        return tuple(one for seed in self.seeds for one in self.of_seed(seed))

    def of_seed(self, seed: int) -> tuple[Made, ...]:
        """The early checkpoints of one seed, by step, and then the trained one."""
        name, start = (value.replace(SEED, str(seed)) for value in (self.name, self.base))
        base = None if self.starts_random else start
        steps = (*sorted(set(self.save_steps)), None)
        return tuple(
            Made(name=early_name(name, step), seed=seed, start=start, base=base, step=step) for step in steps
        )

    @property
    def scored_on(self) -> Names:
        """Corpora whose gold labels it is scored by."""
        return tuple(dict.fromkeys((self.dev, *self.test)))


def early_name(name: str, step: int | None) -> str:
    """The name of a checkpoint at a step of its training; None: at its end."""
    return name if step is None else f"{name}-step{step}"
