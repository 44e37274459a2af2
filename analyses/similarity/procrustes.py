"""Orthogonal Procrustes: how alike two centred, equally scaled sets of rows are after the best rotation."""

import math

import numpy as np

from analyses.similarity.device import to_host
from analyses.similarity.varying import check_varying
from analyses.statistics.moments import Moments


def procrustes(found: Moments) -> dict[str, float]:
    """The nuclear norm s of C_xy over sqrt(tr C_xx tr C_yy), in 0 to 1, and the angle arccos s, a metric.

    2 - 2s is the distance of Ding et al. 2021. Sides may differ in width; reflections are allowed.
    Raises RequestError for fewer than two tokens, WorkError where a side is constant.
    """
    size_x, size_y = check_varying("Procrustes", found, 2)
    singular = np.linalg.svd(to_host(found.xy.cross_DE), compute_uv=False)
    alike = min(1.0, float(singular.sum()) / math.sqrt(size_x) / math.sqrt(size_y))
    return {"procrustes": alike, "procrustes-angle": math.acos(alike)}
