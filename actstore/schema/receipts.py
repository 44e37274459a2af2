"""Receipt: the record that a shard is durable. Manifest: the record that a run is complete."""

from dataclasses import asdict, dataclass, field
from typing import Any

from actstore.schema.spec import RunSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectRecord:
    """One stored object of a shard."""

    array: str
    """The site, or '<site>.scale'."""
    key: str
    """Path of the object below the run's folder."""
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rounding:
    """Mergeable sums of what storing at a lower precision changed, over the rows of one site."""

    n_rows: int = 0
    relative_l2_max: float = 0.0
    """Largest ||x - stored(x)|| / ||x|| of a row."""
    relative_l2_sum: float = 0.0
    cosine_loss_sum: float = 0.0
    """Sum of 1 - cos(x, stored(x))."""

    def merge(self, other: "Rounding") -> "Rounding":
        return Rounding(
            n_rows=self.n_rows + other.n_rows,
            relative_l2_max=max(self.relative_l2_max, other.relative_l2_max),
            relative_l2_sum=self.relative_l2_sum + other.relative_l2_sum,
            cosine_loss_sum=self.cosine_loss_sum + other.cosine_loss_sum,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Quarantined:
    """An example whose rows stay NaN, and why."""

    example: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """A durable shard: what lies there, what made it and how it went."""

    run_id: str
    shard: int
    first_row: int
    n_rows: int
    n_tokens: int
    objects: tuple[ObjectRecord, ...]
    rounding: dict[str, Rounding] = field(default_factory=dict)
    """By site."""
    quarantined: tuple[Quarantined, ...] = ()
    environment: dict[str, Any] = field(default_factory=dict)
    """torch, transformers, device, cpu capability, threads, actstore: what may change last bits."""
    measured: dict[str, Any] = field(default_factory=dict)
    """Seconds of each stage, padding waste, worker; never part of identity."""

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, value: dict[str, Any]) -> "Receipt":
        return cls(
            **{
                **value,
                "objects": tuple(ObjectRecord(**item) for item in value["objects"]),
                "rounding": {site: Rounding(**item) for site, item in value["rounding"].items()},
                "quarantined": tuple(Quarantined(**item) for item in value["quarantined"]),
            }
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """A complete run. At most 4 KiB as JSON, so that 10,000 list fast."""

    run_id: str
    spec: RunSpec
    n_shards: int
    n_tokens: int
    n_quarantined: int
    bytes: int
    receipts_sha256: str
    """Over the receipts' identities in shard order (docs/format.md)."""
    content_sha256: str
    """Over the objects' sha256 in shard and site order: equal for equal stored bytes."""

    def to_dict(self) -> dict[str, Any]:
        return {**asdict(self), "spec": self.spec.to_dict()}

    @classmethod
    def from_dict(cls, value: dict[str, Any]) -> "Manifest":
        return cls(**{**value, "spec": RunSpec.from_dict(value["spec"])})
