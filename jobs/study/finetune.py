"""[[finetune]]: checkpoints that the study trains itself, one a seed."""

from typing import Literal, Self

from pydantic import model_validator

from jobs.study.base import Name, Positive, Rate, Seeds, Share, Text, refuse
from jobs.study.training import Training

SEED = "{seed}"


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
    save_steps: Positive | None = None


class Finetune(Trained):
    """A fine-tuning; `{seed}` stands for each seed in the names of what comes out and of the base."""

    name: Text
    base: Text

    @model_validator(mode="after")
    def _one_name_a_seed(self) -> Self:
        if len(self.seeds) > 1 and SEED not in self.name:
            raise refuse(f'{len(self.seeds)} seeds share the name "{self.name}"; put {SEED} into it')
        return self

    @property
    def outputs(self) -> tuple[tuple[int, str, str], ...]:
        """(seed, name of the new checkpoint, name of its base) for each seed."""
        return tuple(
            (s, self.name.replace(SEED, str(s)), self.base.replace(SEED, str(s))) for s in self.seeds
        )
