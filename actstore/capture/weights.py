"""Weight files: names, shapes and bytes of their tensors, read without a model and with bounded memory."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from actstore.errors import ModelError

PIECE_BYTES = 8 << 20
WEIGHTS = (
    "model.safetensors",
    "model.safetensors.index.json",
    "pytorch_model.bin",
    "pytorch_model.bin.index.json",
)
"""Files of which one is there where a folder has weights."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredTensor:
    """One tensor of a weight file; `pieces` reads its bytes (little-endian, in C order)."""

    name: str
    dtype: str
    """As safetensors writes it: F32, BF16, ..."""
    shape: tuple[int, ...]
    path: Path
    first_byte: int = 0
    n_bytes: int = 0
    value: Any = None
    """The tensor itself, where it came from a pickle."""

    def pieces(self) -> Iterator[bytes | memoryview]:
        """The tensor's bytes in order, at most PIECE_BYTES at a time."""
        if self.value is not None:
            import torch

            yield memoryview(self.value.contiguous().reshape(-1).view(torch.uint8).numpy())
            return
        with self.path.open("rb") as file:
            file.seek(self.first_byte)
            left = self.n_bytes
            while left:
                piece = file.read(min(left, PIECE_BYTES))
                if not piece:
                    raise ModelError(f"{self.path} ends within tensor {self.name!r}; fetch the model again")
                left -= len(piece)
                yield piece


def weight_files(folder: Path, *, allow_pickle: bool) -> list[Path]:
    """The files of a folder's weights, safetensors preferred.

    Raises ModelError where there are none, a part is missing, or only pickles are there and not allowed.
    """
    for stem, suffix in (("model", "safetensors"), ("pytorch_model", "bin")):
        whole, index = folder / f"{stem}.{suffix}", folder / f"{stem}.{suffix}.index.json"
        if not (whole.is_file() or index.is_file()):
            continue
        if suffix == "bin" and not allow_pickle:
            raise ModelError(
                f"{folder} has its weights as a pickle only, which can run code when opened; convert it to "
                "safetensors, or set allow_pickle = true in its [[checkpoint]] if you trust its source"
            )
        return [whole] if whole.is_file() else _parts(index)
    raise ModelError(
        f"{folder} has no weights (model.safetensors, or parts with model.safetensors.index.json); "
        'save the model with `save_pretrained`, or set init = "random"'
    )


def stored_tensors(files: list[Path]) -> Iterator[StoredTensor]:
    """Every tensor of weight files, without its bytes. Raises ModelError for a file that is damaged."""
    for path in files:
        yield from _safetensors(path) if path.suffix == ".safetensors" else _pickled(path)


def _parts(index: Path) -> list[Path]:
    try:
        names = set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values())
    except (OSError, ValueError, KeyError, AttributeError) as error:
        raise ModelError(f"{index} is no index of weight files ({error!r}); fetch the model again") from error
    files = [index.parent / name for name in sorted(names)]
    missing = [path.name for path in files if not path.is_file()]
    if missing:
        raise ModelError(f"{index.parent} lacks {', '.join(missing)} that {index.name} names; fetch it again")
    return files


def _safetensors(path: Path) -> Iterator[StoredTensor]:
    size = path.stat().st_size
    try:
        with path.open("rb") as file:
            header_bytes = int.from_bytes(file.read(8), "little")
            if not 0 < header_bytes <= size - 8:
                raise ValueError("its header is longer than the file")
            header = json.loads(file.read(header_bytes))
        first = 8 + header_bytes
        found = [
            StoredTensor(
                name=name,
                dtype=entry["dtype"],
                shape=tuple(entry["shape"]),
                path=path,
                first_byte=first + entry["data_offsets"][0],
                n_bytes=entry["data_offsets"][1] - entry["data_offsets"][0],
            )
            for name, entry in header.items()
            if name != "__metadata__"
        ]
        if max((tensor.first_byte + tensor.n_bytes for tensor in found), default=0) > size:
            raise ValueError("its tensors are longer than the file")
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelError(f"{path} is no whole safetensors file ({error}); fetch the model again") from error
    yield from found


def _pickled(path: Path) -> Iterator[StoredTensor]:
    import pickle

    import torch

    try:
        state = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError) as error:
        raise ModelError(f"{path} holds more than weights, or is damaged ({error}); refused") from error
    for name, value in state.items():
        dtype = _DTYPES.get(str(value.dtype).removeprefix("torch."), str(value.dtype))
        yield StoredTensor(name=name, dtype=dtype, shape=tuple(value.shape), path=path, value=value)


_DTYPES = {
    "float32": "F32",
    "float16": "F16",
    "bfloat16": "BF16",
    "float64": "F64",
    "int64": "I64",
    "bool": "BOOL",
}
