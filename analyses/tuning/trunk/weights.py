"""Tensors of a checkpoint's folder by the names that the model without head has for them."""

import json
import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open

from actstore.errors import ModelError
from analyses.tuning.trunk.families import TrunkFamily

WHOLE, INDEX = "model.safetensors", "model.safetensors.index.json"


class CheckpointTensors:
    """Opened weight files; a tensor's bytes are read when it is asked for. Raises ModelError."""

    def __init__(self, folder: Path, family: TrunkFamily) -> None:
        self._folder = folder
        self._family = family
        self._stack = ExitStack()
        try:
            self._files = [self._stack.enter_context(safe_open(path, "pt")) for path in _files(folder)]
        except SafetensorError as error:
            raise ModelError(f"{folder} has damaged weights ({error}); fetch the model again") from error
        self._places = {
            self._short(name): (at, name)
            for at, file in enumerate(self._files)
            for name in file.keys()  # noqa: SIM118
        }

    def __enter__(self) -> "CheckpointTensors":
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def __contains__(self, name: str) -> bool:
        return name in self._places

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def read(self, name: str) -> torch.Tensor:
        """A tensor in float32."""
        if name not in self._places:
            raise ModelError(f"{self._folder}: the weights lack {name!r}; config.json and weights disagree")
        at, stored = self._places[name]
        value: torch.Tensor = self._files[at].get_tensor(stored)
        return value.to(torch.float32)

    def _short(self, name: str) -> str:
        for prefix in self._family.prefixes:
            name = name.removeprefix(prefix)
        for old, new in self._family.old_names.items():
            name = re.sub(f"{re.escape(old)}$", new, name)
        return name


def _files(folder: Path) -> list[Path]:
    if (folder / WHOLE).is_file():
        return [folder / WHOLE]
    if (folder / INDEX).is_file():
        names = set(json.loads((folder / INDEX).read_text(encoding="utf-8"))["weight_map"].values())
        return [folder / name for name in sorted(names)]
    raise ModelError(
        f"{folder} has no {WHOLE}, alone or in parts; training reads safetensors only: save the model with "
        "`save_pretrained`"
    )
