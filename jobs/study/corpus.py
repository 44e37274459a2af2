"""[[corpus]]: a text with its settings, by name."""

from typing import Any, Literal, Self

from pydantic import Field, ValidationInfo, field_validator, model_validator

from actstore.formats.options import (
    DETOKENIZE,
    FORMATS,
    LATER_FORMATS,
    SPLIT_INTO,
    TEXT_FROM,
    ReadOptions,
    misplaced,
)
from jobs.study.base import Block, Name, Positive, Text, refuse
from jobs.study.tables import hint

ALLOWED = {
    "format": (*FORMATS, *LATER_FORMATS),
    "text_from": TEXT_FROM,
    "detokenize": DETOKENIZE,
    "split_into": SPLIT_INTO,
}


class Corpus(Block):
    """A corpus of a study."""

    name: Name
    path: Text
    """Absolute once the study is loaded; the id of a data set for format = "datasets"."""
    format: str
    domain: Text = ""
    """Default: the corpus's name."""
    limit: Positive | None = None
    """Only the first so many examples."""
    max_length: Positive | None = None
    """Tokens of a sequence, special ones included; None: as many as the model has positions for."""
    overflow: Literal["truncate", "window", "refuse"] = "truncate"
    """What is done with longer texts; default: window for squad, else truncate."""
    stride: Positive = 128
    part: Literal["pair", "a", "b"] = "pair"
    split: Text | None = None
    detokenize: str | None = None
    split_into: str | None = None
    text_from: str | None = None
    labels: dict[Name, Text] = Field(default_factory=dict)
    """Files of further label sets over the same text, by name."""

    @model_validator(mode="before")
    @classmethod
    def _defaults(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        overflow = "window" if value.get("format") == "squad" else "truncate"
        domain = {"domain": value["name"]} if isinstance(value.get("name"), str) else {}
        return {"overflow": overflow, **domain, **value}

    @field_validator(*ALLOWED)
    @classmethod
    def _known(cls, value: str | None, info: ValidationInfo) -> str | None:
        allowed = ALLOWED[str(info.field_name)]
        if value is not None and value not in allowed:
            raise refuse(hint(value, allowed))
        return value

    @model_validator(mode="after")
    def _together(self) -> Self:
        if wrong := misplaced(self.read_options):
            raise refuse(wrong)
        return self

    @property
    def read_options(self) -> ReadOptions:
        return ReadOptions(
            format=self.format,
            path=self.path,
            limit=self.limit,
            text_from=self.text_from,
            detokenize=self.detokenize,
            split_into=self.split_into,
            split=self.split,
        )
