"""Shape metrics: Procrustes after partial whitening (Williams et al. 2021), from moments."""

import math

import numpy as np
import numpy.typing as npt

from analyses.similarity.cca import check_more_tokens_than_units
from analyses.similarity.device import to_host
from analyses.similarity.varying import check_varying
from analyses.statistics.moments import Moments

Floats = npt.NDArray[np.float64]
FLOOR = 1e-7
"""Eigenvalues of X'X are not taken below it."""


def shape(found: Moments, alpha: float = 1.0) -> dict[str, float]:
    """Cosine of the angle of the two shapes, and the angle, a metric.

    Each side is multiplied by V (alpha + (1 - alpha) / sqrt(l)) V', with l, V of its X'X, then rotated onto
    the other. alpha = 1: Procrustes; alpha = 0: the mean canonical correlation, where all directions vary.
    Raises RequestError for too few tokens, WorkError where a side is constant.
    """
    if alpha < 1.0:
        check_more_tokens_than_units("shape", found)
    check_varying("shape", found, 2)
    parts = [_whitening(to_host(part.cross_DE), alpha) for part in (found.xx, found.yy)]
    (left_DD, size_x), (right_EE, size_y) = parts
    singular = np.linalg.svd(left_DD @ to_host(found.xy.cross_DE) @ right_EE, compute_uv=False)
    alike = min(1.0, float(singular.sum()) / math.sqrt(size_x) / math.sqrt(size_y))
    return {"shape": alike, "shape-angle": math.acos(alike)}


def _whitening(cross_DD: Floats, alpha: float) -> tuple[Floats, float]:
    """The map, and the squared size that the rows have after it."""
    variance_D, axis_DD = np.linalg.eigh((cross_DD + cross_DD.T) / 2)
    variance_D = np.maximum(variance_D, FLOOR)
    scale_D = alpha + (1.0 - alpha) / np.sqrt(variance_D)
    return (axis_DD * scale_D) @ axis_DD.T, float(np.sum(scale_D**2 * variance_D))
