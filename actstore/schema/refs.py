"""References: checkpoint and corpus by name, site by place in the model."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from numbers import Integral
from typing import Any

from actstore.errors import RequestError

NAME_PATTERN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
SITE_PATTERN = re.compile(r"L(\d{2,})(\.attn|\.mlp)?|final|pooled")


def check_name(name: str, what: str) -> str:
    """Return `name`, or raise RequestError when it could not be a folder on every system."""
    if not NAME_PATTERN.fullmatch(name):
        raise RequestError(
            f"{what} name {name!r}: allowed are 1 to 100 letters, digits, '.', '_' and '-', "
            "the first a letter or digit; choose another name"
        )
    return name


def layer_site(layer: int) -> str:
    """The site of a layer's output: 0 -> 'L00' (embedding output), 12 -> 'L12'. Raises RequestError."""
    if not isinstance(layer, Integral) or layer < 0:
        raise RequestError(
            f"layer {layer!r}: a layer is a whole number, 0 (the embeddings) or more; sites are asked for by "
            "name, site = 'L00.attn'"
        )
    return f"L{layer:02d}"


def site_layer(site: str) -> int | None:
    """The layer of a site, None for 'final' and 'pooled'. Raises RequestError for no site."""
    match = SITE_PATTERN.fullmatch(site) if isinstance(site, str) else None
    if match is None:
        raise RequestError(
            f"site {site!r}: allowed are L00 (embeddings), L01 ... Lnn, Lnn.attn, Lnn.mlp, final"
        )
    return int(match.group(1)) if match.group(1) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckpointRef:
    """What a checkpoint name is bound to."""

    name: str
    trunk_sha256: str
    """Identity: the trunk's tensors and configuration (docs/format.md, identity)."""
    tokenizer_sha256: str
    family: str
    """The configuration's `model_type`."""
    n_layers: int
    width: int
    """Units of a layer's output."""
    max_positions: int | None
    """Longest sequence the model has positions for; None where there is no limit."""
    source: str
    """Where it came from, as the user gave it."""
    base: str | None = None
    task: str | None = None
    replicate: int | None = None
    step: int | None = None
    init: str | None = None
    """'random' where the weights were re-initialised."""
    seed: int | None = None
    config: dict[str, Any] | None = None
    """The model's configuration as its config.json has it."""

    def to_dict(self) -> dict[str, Any]:
        # Not `asdict`, which copies each configuration: a command lists ten thousand names several times.
        return {name: getattr(self, name) for name in self.__dataclass_fields__}

    @classmethod
    def from_dict(cls, value: dict[str, Any]) -> "CheckpointRef":
        return cls(**{name: value.get(name) for name in cls.__dataclass_fields__})  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True, kw_only=True)
class CorpusRef:
    """What a corpus name is bound to: a text and the annotations that came with it."""

    name: str
    text_id: str
    domain: str
    word_labels: str | None = None
    """Hash of the label set `words` (upos, xpos, head, deprel), None where the source has none."""
    example_labels: str | None = None
    """Hash of the label set `examples` (a class an example), None where the source has none."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """Hash of each span label set, by name; no part of the identity, more may come at any time."""

    def to_dict(self) -> dict[str, Any]:
        fields = {name: getattr(self, name) for name in self.__dataclass_fields__ if name != "labels"}
        # Left out where there are none: such a record is the one of before label sets were bound.
        return fields | ({"labels": dict(self.labels)} if self.labels else {})

    @classmethod
    def from_dict(cls, value: dict[str, Any]) -> "CorpusRef":
        found = {name: value.get(name) for name in cls.__dataclass_fields__}
        return cls(**{**found, "labels": dict(value.get("labels") or {})})  # type: ignore[arg-type]
