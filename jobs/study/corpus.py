"""[[corpus]]: a text with its settings, by name."""

from typing import Any, Literal, Self

from pydantic import Field, ValidationInfo, field_validator, model_validator

from actstore.formats.label_options import LabelOptions, format_of, own_sets, set_of
from actstore.formats.options import (
    DETOKENIZE,
    FORMATS,
    LATER_FORMATS,
    SPLIT_INTO,
    TEXT_FROM,
    WORDLESS_FORMATS,
    ReadOptions,
    misplaced,
)
from actstore.formats.plugins import plugin_formats
from jobs.study.base import Block, Name, Positive, Text, refuse
from jobs.study.label_file import LabelSource, label_problem
from jobs.study.tables import hint

ALLOWED = {
    "format": FORMATS,
    "text_from": TEXT_FROM,
    "detokenize": DETOKENIZE,
    "split_into": SPLIT_INTO,
}
REFUSED_LATER = (*WORDLESS_FORMATS, *LATER_FORMATS)
"""Formats that are known, so that they are refused with more than a list of others."""


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
    labels: dict[Name, LabelSource] = Field(default_factory=dict)
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
        ours, is_format = ALLOWED[str(info.field_name)], info.field_name == "format"
        if value is None or value in ours or (is_format and value in REFUSED_LATER):
            return value
        allowed = (*ours, *(plugin_formats() if is_format else ()))
        if value not in allowed:
            raise refuse(hint(value, allowed))
        return value

    @model_validator(mode="after")
    def _together(self) -> Self:
        if wrong := misplaced(self.read_options):
            raise refuse(wrong)
        for name, file in self.labels.items():
            if wrong := label_problem(name, file, own_sets(self.format)):
                raise refuse(wrong)
        return self

    @property
    def label_sets(self) -> tuple[str, ...]:
        """Names of every label set: those that come with the format, and those of label files."""
        return (*own_sets(self.format), *self.labels)

    @property
    def label_options(self) -> tuple[LabelOptions, ...]:
        """The label files, each with its format and set told."""
        found = []
        for name, file in self.labels.items():
            format = file.format or format_of(file.path) or ""
            found.append(
                LabelOptions(
                    name=name,
                    path=file.path,
                    format=format,
                    set=file.set or set_of(name, format) or "",
                    limited=self.limit is not None,
                )
            )
        return tuple(found)

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
