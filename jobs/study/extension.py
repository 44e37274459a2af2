"""[[analysis]]: an analysis of an installed package, by its kind. What its options mean is the package's."""

from typing import Any, Self

from pydantic import Field, model_validator

from actstore.errors import RequestError
from analyses.extension.installed import installed_kind, read_options
from jobs.study.base import Block, Name, Names, Natural, Pairs, Tokens, refuse


class Extension(Block):
    """An analysis of another package."""

    kind: Name
    """The name of an entry point of the group `actstore.analyses`."""
    name: Name
    pairs: Pairs | None = None
    """For kinds that compare, as in [[similarity]]."""
    checkpoints: Names | None = None
    """For kinds that describe one checkpoint."""
    corpora: Names
    tokens: Tokens = 5000
    """Size of the sample, the same tokens for every layer and checkpoint; or 'all'."""
    include_special: bool = False
    skip_first: Natural = 0
    options: dict[str, Any] = Field(default_factory=dict)
    """The kind's own keys."""

    @model_validator(mode="after")
    def _of_an_installed_kind(self) -> Self:
        """Told when the study is read: what only fails after an extraction is told too late."""
        try:
            installed = installed_kind(self.kind)
            read_options(installed, self.options)
        except RequestError as error:
            raise refuse(str(error)) from error
        wanted, other = ("pairs", "checkpoints")[:: 1 if installed.kind.of == "pairs" else -1]
        if getattr(self, wanted) is None or getattr(self, other) is not None:
            raise refuse(f'kind "{self.kind}" is of {wanted}: give the key {wanted}, and no {other}')
        return self
