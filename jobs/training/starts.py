"""Starts: what each training of a study starts from, given or trained, or assumed until it is trained."""

from collections.abc import Callable
from pathlib import Path

from actstore.capture.checkpoint import describe
from actstore.capture.source import CheckpointSource
from actstore.errors import NotFoundError
from actstore.schema.refs import CheckpointRef
from actstore.store.objects import Objects
from jobs.prepare import Found, source_of
from jobs.study.finetune import Finetune
from jobs.study.study import Study
from jobs.training.settings import architecture
from jobs.training.trained import assumed_checkpoint, made_of, stored_checkpoint

Describe = Callable[[CheckpointSource], CheckpointRef]


class Starts:
    """Describes each given checkpoint once: its weights are hashed whole."""

    def __init__(self, study: Study, describe: Describe = describe) -> None:
        self._study, self._describe = study, describe
        self._made = made_of(study)
        self._given: dict[str, Found] = {}

    def of(self, block: Finetune, seed: int, objects: Objects | None) -> Found:
        """The start of one training. Raises ModelError, NameTakenError."""
        return self.named(block.of_seed(seed)[-1].start, objects)

    def named(self, name: str, objects: Objects | None) -> Found:
        """A checkpoint of the study by name; assumed where it is not trained yet."""
        if name in self._made:
            return self._trained(name, objects)
        if name not in self._given:
            source = source_of(self._study.checkpoint(name))
            self._given[name] = (source, self._describe(source))
        return self._given[name]

    def folders(self) -> list[Path]:
        """Local folders of the given ones, which workers read."""
        return sorted({path for source, _ in self._given.values() if (path := Path(source.model)).is_dir()})

    def _trained(self, name: str, objects: Objects | None) -> Found:
        block, made = self._made[name]
        try:
            return stored_checkpoint(self._study, objects, name)
        except NotFoundError:
            before = self.of(block, made.seed, objects)
            return assumed_checkpoint(made, before, architecture(block))
