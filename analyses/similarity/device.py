"""Where arrays are computed: NumPy on the CPU, or CuPy on a CUDA device. The only module that knows CuPy."""

import importlib
from typing import Any

import numpy as np
import numpy.typing as npt
from array_api_compat import is_cupy_array, is_numpy_array

from actstore.errors import RequestError

DEVICES = ("auto", "cpu", "cuda")
Array = Any


def array_namespace(device: str = "auto") -> Any:
    """The array namespace of a device: array_api_compat's numpy or cupy.

    'auto' is CUDA where CuPy and a device are, else the CPU.
    Raises RequestError for an unknown device, and for 'cuda' without one.
    """
    if device not in DEVICES:
        raise RequestError(f"device = {device!r}: allowed are {', '.join(DEVICES)}")
    if device == "cuda" and not cuda_available():
        raise RequestError(
            "device = 'cuda': no CUDA device (or no CuPy) here; install actstore[cuda12] or [cuda13] on a "
            "machine with a GPU, or use device = 'auto'"
        )
    if device == "cuda" or (device == "auto" and cuda_available()):
        return importlib.import_module("array_api_compat.cupy")
    return importlib.import_module("array_api_compat.numpy")


def cuda_available() -> bool:
    """Whether CuPy is installed and sees a device; CuPy imports without a driver, so it is asked."""
    try:
        import cupy
    except ImportError:
        return False
    return bool(cupy.cuda.is_available())


def to_device(value: npt.NDArray[Any], xp: Any, device: Any = None) -> Array:
    """A host array as float32 in the namespace `xp` (float64 stays): float16 is for storage, not for sums."""
    kept = value if value.dtype in (np.float32, np.float64) else value.astype(np.float32)
    return xp.asarray(kept) if device is None else xp.asarray(kept, device=device)


def to_host(value: Array) -> npt.NDArray[Any]:
    """An array of any namespace and device as a NumPy array."""
    if is_numpy_array(value):
        return np.asarray(value)
    if is_cupy_array(value):
        return np.asarray(value.get())
    cpu = value.__array_namespace__().__array_namespace_info__().default_device()
    return np.asarray(value.to_device(cpu))
