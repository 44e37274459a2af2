"""Tokenizer: a checkpoint's fast tokenizer with every built-in limit switched off, and its identity."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from actstore.errors import ModelError
from actstore.schema import canonical_json

TOKENIZER_FILES = (
    "tokenizer.json",
    "vocab.txt",
    "vocab.json",
    "tokenizer.model",
    "spiece.model",
    "sentencepiece.bpe.model",
)
SETTINGS_FILES = ("tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "merges.txt")
OWN_FOLDER = "tokenizer"
MASKS = ("[MASK]", "<mask>")
_NOT_IDENTITY = ("version", "truncation", "padding", "decoder")
"""Parts of a tokenizer's JSON that do not change what a text becomes here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokenizer:
    """A fast tokenizer that neither truncates nor pads; `load_tokenizer` makes one."""

    backend: Any
    """tokenizers.Tokenizer."""
    sha256: str
    pieces: pa.Array
    """The piece of every id, null where an id has none."""
    unknown_id: int | None
    """Id of the unknown piece, None for a vocabulary that covers everything."""

    def n_special(self, *, pair: bool) -> int:
        """Special tokens that are added to a sequence."""
        return int(self.backend.num_special_tokens_to_add(pair))


def load_tokenizer(folder: Path) -> Tokenizer:
    """The tokenizer of a model folder. Raises ModelError where there is none, or no fast one."""
    folder = tokenizer_folder(folder)
    if not any((folder / name).is_file() for name in TOKENIZER_FILES):
        raise ModelError(
            f"{folder} has no tokenizer (tokenizer.json): save it there with `tokenizer.save_pretrained`"
        )
    from transformers import AutoTokenizer

    try:
        loaded = AutoTokenizer.from_pretrained(
            folder, use_fast=True, trust_remote_code=False, local_files_only=True
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError, ImportError) as error:
        raise ModelError(
            f"the tokenizer of {folder} can not be loaded ({error}); save it again with "
            "`tokenizer.save_pretrained`. Code that comes with a model is never run"
        ) from error
    if not loaded.is_fast:
        raise ModelError(
            f"the tokenizer of {folder} is not a fast one, so it gives no character offsets; "
            "convert it and save tokenizer.json"
        )
    backend = loaded.backend_tokenizer
    backend.no_truncation()
    backend.no_padding()
    definition = json.loads(backend.to_str())
    return Tokenizer(
        backend=backend,
        sha256=_sha256(definition, split_special=bool(backend.encode_special_tokens)),
        pieces=_pieces(backend),
        unknown_id=_unknown_id(backend, definition["model"]),
    )


def tokenizer_folder(folder: Path) -> Path:
    """Where a model's tokenizer lies: in its folder, or in one of its own below it, as stores keep it."""
    return folder / OWN_FOLDER if (folder / OWN_FOLDER).is_dir() else folder


def tokenizer_files(folder: Path) -> list[Path]:
    """The files that a model's tokenizer is made of."""
    return [
        path
        for name in (*TOKENIZER_FILES, *SETTINGS_FILES)
        if (path := tokenizer_folder(folder) / name).is_file()
    ]


def mask_id(tokenizer: Tokenizer) -> int:
    """The token that stands for a masked one. Raises ModelError where there is none."""
    for piece in MASKS:
        if (found := tokenizer.backend.token_to_id(piece)) is not None:
            return int(found)
    raise ModelError(f"the tokenizer has no {' or '.join(MASKS)}; take a base whose tokenizer has one")


def _sha256(definition: dict[str, Any], *, split_special: bool) -> str:
    """The hash of what decides ids and offsets; limits, padding and decoding do not."""
    kept = {name: value for name, value in definition.items() if name not in _NOT_IDENTITY}
    kept["added_tokens"] = sorted(kept.get("added_tokens") or [], key=lambda token: token["id"])
    kept["encode_special_tokens"] = split_special
    return hashlib.sha256(canonical_json(kept).encode()).hexdigest()


def _pieces(backend: Any) -> pa.Array:
    vocabulary: dict[str, int] = backend.get_vocab(with_added_tokens=True)
    pieces: list[str | None] = [None] * (max(vocabulary.values(), default=-1) + 1)
    for piece, token_id in vocabulary.items():
        pieces[token_id] = piece
    return pa.array(pieces, pa.string())


def _unknown_id(backend: Any, model: dict[str, Any]) -> int | None:
    if isinstance(model.get("unk_id"), int):
        return int(model["unk_id"])
    piece = model.get("unk_token")
    found = backend.token_to_id(piece) if piece is not None else None
    return None if found is None else int(found)
