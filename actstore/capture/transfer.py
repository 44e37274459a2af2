"""Transfer: activations from the device to NumPy, without padding. The one seam between CPU and GPU.

On a CPU a site is copied once at most: a batch without padding is handed on as a view. On a GPU each site is
gathered on the device and copied into a pinned buffer on a stream of its own while the next layers compute;
that path has never run on a GPU, its gathering and its order of calls are those of the CPU.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import torch


class Transfer:
    """Collects the sites of one batch after another. Not for two threads at once."""

    def __init__(self, device: torch.device) -> None:
        self._on_gpu = device.type == "cuda"
        self._streams: dict[torch.device, Any] = {}
        """A copy stream for each GPU: a model may be spread over several."""
        self._pinned: dict[str, torch.Tensor] = {}
        self._places: torch.Tensor | None = None
        self._taken: dict[str, torch.Tensor] = {}

    def begin(self, places: torch.Tensor | None) -> None:
        """Start a batch whose tokens lie at `places` of the flattened rectangle; None: all of them."""
        self._places, self._taken = places, {}

    def take(self, site: str, value: torch.Tensor) -> None:
        """Take a site's activations [N, longest, D] as soon as they are computed."""
        packed = value.reshape(-1, value.shape[-1])
        if self._places is not None:
            packed = packed.index_select(0, self._places.to(packed.device))
        self._taken[site] = self._to_pinned(site, packed) if self._on_gpu else packed

    def finish(self) -> Mapping[str, npt.NDArray[np.float32]]:
        """Every taken site as float32 [T, D], in the batch's order of tokens."""
        self._wait()
        taken, self._taken, self._places = self._taken, {}, None
        return {site: self._to_numpy(value) for site, value in taken.items()}

    def drop(self) -> None:
        """Forget a batch that did not end, and give its memory back."""
        self._places, self._taken = None, {}
        self._wait()
        if self._on_gpu:
            torch.cuda.empty_cache()

    def _wait(self) -> None:
        for stream in self._streams.values():
            stream.synchronize()

    def _stream(self, device: torch.device) -> Any:
        if device not in self._streams:
            self._streams[device] = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
        return self._streams[device]

    def _to_numpy(self, value: torch.Tensor) -> npt.NDArray[np.float32]:
        # A pinned buffer is filled again by the next batch, so what leaves here must be a copy of it.
        array: npt.NDArray[np.float32] = value.to(torch.float32, copy=self._on_gpu).numpy()
        return array

    def _to_pinned(self, site: str, packed: torch.Tensor) -> torch.Tensor:
        buffer = self._pinned.get(site)
        if buffer is None or len(buffer) < len(packed):
            buffer = torch.empty(packed.shape, dtype=packed.dtype, pin_memory=True)
            self._pinned[site] = buffer
        target = buffer[: len(packed)]
        stream = self._stream(packed.device)
        stream.wait_stream(torch.cuda.current_stream(packed.device))
        with torch.cuda.stream(stream):
            target.copy_(packed, non_blocking=True)
        packed.record_stream(stream)
        return target
