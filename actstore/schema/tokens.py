"""A tokenisation: one text through one tokenizer with one set of limits, and each token's row."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from actstore.schema import content_id

TOKENS_VERSION = 1
OVERFLOWS = ("truncate", "window", "refuse")
PARTS = ("pair", "a", "b")


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenSettings:
    """The limits of a tokenisation; with text and tokenizer they are its identity."""

    max_length: int
    """Tokens of a sequence, special tokens included."""
    overflow: str = "truncate"
    stride: int = 128
    """Tokens by which a window starts after the one before it; only for overflow = 'window'."""
    part: str = "pair"
    """Which side of a pair the model sees."""

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class TokensMeta:
    """What a tokenisation is and how large it came out."""

    text_id: str
    tokenizer_sha256: str
    settings: TokenSettings
    block_rows: int
    """Rows of a block, the unit of packing; no sequence straddles a block."""
    n_examples: int
    n_sequences: int
    n_tokens: int
    n_rows: int
    """Length of the token axis: the last used block's end."""
    n_words: int
    n_truncated: int
    n_vanished_words: int
    n_unknown: int
    """Tokens that are the tokenizer's unknown piece."""

    @property
    def tokens_id(self) -> str:
        return tokens_id(self.text_id, self.tokenizer_sha256, self.settings, self.block_rows)

    def to_dict(self) -> dict[str, Any]:
        return {**asdict(self), "settings": self.settings.to_dict(), "tokens_version": TOKENS_VERSION}

    @classmethod
    def from_dict(cls, value: dict[str, Any]) -> "TokensMeta":
        fields = {name: value[name] for name in cls.__dataclass_fields__}
        return cls(**{**fields, "settings": TokenSettings(**value["settings"])})


def tokens_id(text_id: str, tokenizer_sha256: str, settings: TokenSettings, block_rows: int) -> str:
    """The id of a tokenisation: what decides each token's row."""
    return content_id(
        {
            "tokens_version": TOKENS_VERSION,
            "text_id": text_id,
            "tokenizer_sha256": tokenizer_sha256,
            "settings": settings.to_dict(),
            "block_rows": block_rows,
        }
    )


TOKENS = pa.schema(
    [
        pa.field("example", pa.int32(), nullable=False),
        pa.field("token", pa.int32(), nullable=False),
        pa.field("row", pa.int64(), nullable=False),
        pa.field("token_id", pa.int32(), nullable=False),
        ("piece", pa.string()),
        ("segment", pa.int8()),
        ("special", pa.bool_()),
        ("char_start", pa.int32()),
        ("char_end", pa.int32()),
        ("window", pa.int32()),
        ("best_context", pa.bool_()),
    ]
)
WORD_TOKENS = pa.schema(
    [
        pa.field("example", pa.int32(), nullable=False),
        pa.field("word", pa.int32(), nullable=False),
        ("first_token", pa.int32()),
        ("last_token", pa.int32()),
    ]
)
"""Both null where a word vanished; `last_token` is included."""
SEQUENCES = pa.schema(
    [
        pa.field("example", pa.int32(), nullable=False),
        pa.field("window", pa.int32(), nullable=False),
        pa.field("first_row", pa.int64(), nullable=False),
        pa.field("n_tokens", pa.int32(), nullable=False),
        ("truncated", pa.bool_()),
    ]
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenBatch:
    """Sequences as a model takes them, unpadded, one after the other."""

    token_id_T: npt.NDArray[np.int32]
    segment_T: npt.NDArray[np.int8]
    offset_N1: npt.NDArray[np.int64]
    """Sequence i is the tokens offset[i] to offset[i + 1]."""

    @property
    def n_sequences(self) -> int:
        return len(self.offset_N1) - 1

    @property
    def n_tokens(self) -> int:
        return int(self.offset_N1[-1])
