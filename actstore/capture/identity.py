"""Identity of a checkpoint: the hash of what decides its activations (docs/format.md, identity)."""

import hashlib
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from actstore.capture.config import canonical_config
from actstore.capture.families import INDEX_BUFFERS, Family, family_of
from actstore.capture.weights import StoredTensor, stored_tensors, weight_files
from actstore.errors import ModelError
from actstore.schema import canonical_json

INIT_VERSION = 1
"""Raised by hand when a random initialisation draws other values."""
_POOLER = re.compile(r"(?:^|\.)pooler\.")
_OLD_NORM = re.compile(r"(^|\.)LayerNorm\.(gamma|beta)$")


def trunk_sha256(folder: Path, config: dict[str, Any], *, allow_pickle: bool = False) -> str:
    """The hash of a folder's trunk: canonical names, dtypes, shapes and bytes of its tensors, and its config.

    Heads, poolers and index buffers are left out, so the same weights under another head hash equally. Of a
    family that is not listed every tensor counts. Raises ModelError.
    """
    files = weight_files(folder, allow_pickle=allow_pickle)
    tensors = trunk_tensors(stored_tensors(files), family_of(config["model_type"]))
    if not tensors:
        raise ModelError(
            f"{folder} holds no tensor of a {config['model_type']} model; its config.json and its weights "
            "do not belong together"
        )
    names = sorted(tensors)
    head = {
        "config": canonical_config(config),
        "tensors": [[name, tensors[name].dtype, list(tensors[name].shape)] for name in names],
    }
    digest = hashlib.sha256(canonical_json(head).encode())
    for name in names:
        for piece in tensors[name].pieces():
            digest.update(piece)
    return digest.hexdigest()


def pooler_sha256(folder: Path) -> str | None:
    """The hash of the pooler among a folder's safetensors, None where there is none. Raises ModelError."""
    tensors = stored_tensors(weight_files(folder, allow_pickle=False))
    found = {_POOLER.split(one.name)[-1]: one for one in tensors if _POOLER.search(one.name)}
    digest = hashlib.sha256(
        canonical_json([[n, found[n].dtype, list(found[n].shape)] for n in sorted(found)]).encode()
    )
    for name in sorted(found):
        for piece in found[name].pieces():
            digest.update(piece)
    return digest.hexdigest() if found else None


def random_sha256(config: dict[str, Any], seed: int) -> str:
    """The hash of a random initialisation: configuration, seed and version of the drawing."""
    value = {
        "config": canonical_config(config, initial=True),
        "init": "random",
        "seed": seed,
        "version": INIT_VERSION,
    }
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()


def trunk_tensors(tensors: Iterable[StoredTensor], family: Family | None) -> dict[str, StoredTensor]:
    """The tensors that make activations, by canonical name. Raises ModelError for a name that comes twice."""
    found: dict[str, StoredTensor] = {}
    for tensor in tensors:
        name = canonical_name(tensor.name, family)
        if name is None:
            continue
        if name in found:
            raise ModelError(
                f"{tensor.path} holds {name!r} twice, also as {tensor.name!r}; save the model again"
            )
        found[name] = tensor
    return found


def canonical_name(name: str, family: Family | None) -> str | None:
    """A trunk tensor's name without prefix and with today's names of a norm; None for all other tensors."""
    patterns = INDEX_BUFFERS if family is None else family.index_buffers
    if any(re.search(pattern, name) for pattern in patterns):
        return None
    renamed = _OLD_NORM.sub(_today, name)
    if family is None:
        return renamed
    for prefix in family.prefixes:
        renamed = renamed.removeprefix(prefix)
    return renamed if renamed.split(".", 1)[0] in family.trunk else None


def _today(match: re.Match[str]) -> str:
    return f"{match.group(1)}LayerNorm.{'weight' if match.group(2) == 'gamma' else 'bias'}"
