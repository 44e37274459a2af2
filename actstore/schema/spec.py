"""RunSpec: everything that decides a run's values and their place. No paths, no names."""

from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any

from actstore.errors import RequestError
from actstore.schema import content_id
from actstore.schema.refs import site_layer

CAPTURE_VERSION = 1
"""Raised by hand when stored values may change."""
DTYPES = ("float32", "float16", "bfloat16", "int8")
ITEM_BYTES = {"float32": 4, "float16": 2, "bfloat16": 2, "int8": 1}
COMPUTE_DTYPES = ("float32", "float16", "bfloat16")
CODECS = ("none", "zstd", "blosc")


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSpec:
    """One checkpoint x one tokenisation x how it is computed and stored."""

    trunk_sha256: str
    text_id: str
    tokens_id: str
    sites: tuple[str, ...]
    widths: tuple[int, ...]
    """Units of each site."""
    n_rows: int
    block_rows: int
    blocks_per_shard: int
    chunk_rows: int
    """Rows of an inner Zarr chunk; divides block_rows."""
    tokens_per_batch: int
    dtype: str = "float16"
    compute_dtype: str = "float32"
    codec: str = "none"
    attention: str = "sdpa"
    capture_version: int = CAPTURE_VERSION

    def __post_init__(self) -> None:
        for name, value, allowed in (
            ("dtype", self.dtype, DTYPES),
            ("compute_dtype", self.compute_dtype, COMPUTE_DTYPES),
            ("codec", self.codec, CODECS),
        ):
            if value not in allowed:
                raise RequestError(f"{name} = {value!r}: allowed are {', '.join(allowed)}")
        if len(self.sites) != len(self.widths) or not self.sites:
            raise RequestError(
                f"{len(self.sites)} sites with {len(self.widths)} widths: name at least one site"
            )
        for site in self.sites:
            site_layer(site)
        if self.block_rows % self.chunk_rows:
            raise RequestError(
                f"chunk_rows = {self.chunk_rows} does not divide block_rows = {self.block_rows}"
            )

    @property
    def run_id(self) -> str:
        return _run_id(self)

    @property
    def shard_rows(self) -> int:
        return self.block_rows * self.blocks_per_shard

    @property
    def n_shards(self) -> int:
        return -(-self.n_rows // self.shard_rows)

    @property
    def item_bytes(self) -> int:
        return ITEM_BYTES[self.dtype]

    def shard_range(self, shard: int) -> tuple[int, int]:
        """First row and row after the last of a shard; the last shard may be short."""
        first = shard * self.shard_rows
        return first, min(first + self.shard_rows, self.n_rows)

    def width(self, site: str) -> int:
        """Units of a site. Raises RequestError when the run does not hold it."""
        if site not in self.sites:
            raise RequestError(f"site {site!r} is not in this run: it holds {', '.join(self.sites)}")
        return self.widths[self.sites.index(site)]

    def to_dict(self) -> dict[str, Any]:
        return {**asdict(self), "sites": list(self.sites), "widths": list(self.widths)}

    @classmethod
    def from_dict(cls, value: dict[str, Any]) -> "RunSpec":
        return cls(**{**value, "sites": tuple(value["sites"]), "widths": tuple(value["widths"])})


@lru_cache(maxsize=1 << 16)
def _run_id(spec: RunSpec) -> str:
    """Asked for again and again, and a tenth of a millisecond each time."""
    return content_id(spec.to_dict())
