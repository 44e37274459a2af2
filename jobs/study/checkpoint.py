"""[[checkpoint]]: a model at one moment of its training, by name."""

from pathlib import Path
from typing import Literal, Self

from pydantic import model_validator

from jobs.study.base import Block, Name, Natural, Text, refuse


class Checkpoint(Block):
    """A checkpoint of a study; a series is one of these for each step or seed."""

    name: Name
    model: Text
    """An absolute path, or a hub id (jobs/study/places.py has the rule)."""
    revision: Text | None = None
    config: Text | None = None
    """An absolute path: a folder whose config.json `plan` reads where the model is not here."""
    allow_pickle: bool = False
    """Whether weights may be read from a pickle where there is no safetensors file."""
    base: Name | None = None
    """The checkpoint it was fine-tuned from, or is to be compared with: the default pair."""
    task: Text | None = None
    replicate: Natural | None = None
    step: Natural | None = None
    init: Literal["random"] | None = None
    """'random': the weights are initialised again, with `seed`."""
    seed: Natural = 0
    """Of the initialisation (default: the seed of the study), or the seed that tells a replicate."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.base == self.name:
            raise refuse(f'base = "{self.name}" is the checkpoint itself; name another one, or leave it out')
        return self

    @property
    def local_path(self) -> Path | None:
        """The folder of a local model, None for a hub id."""
        return Path(self.model) if self.model.startswith("/") else None
