"""An analysis of somebody else's: representation topology divergence (Barannikov et al. 2022, section 2)."""

from dataclasses import dataclass

import numpy as np
from ripser import ripser

from actstore.schema.analysis import AnalysisKind, LayerSample


@dataclass(frozen=True)
class Options:
    """Keys of `options` in a study."""

    batches: int = 10
    rows: int = 500


def measure(sample: LayerSample, options: Options) -> dict[str, float]:
    """Mean over random batches of rows of both directions."""
    rng = np.random.default_rng(sample.seed)
    n = len(sample.values[0])
    size = min(n, options.rows)
    found = []
    for _ in range(options.batches if n > size else 1):
        chosen = rng.choice(n, size, replace=False)
        near, other = (distances(values[chosen]) for values in sample.values)
        found.append((bars(near, other), bars(other, near)))
    forth, back = np.mean(found, axis=0)
    return {"rtd": (forth + back) / 2, "forth": forth, "back": back}


def distances(values: np.ndarray) -> np.ndarray:
    """Euclidean distances [T, T] over their 0.9 quantile."""
    rows = values.astype(np.float64)
    apart = np.sqrt(((rows[:, None, :] - rows[None, :, :]) ** 2).sum(axis=-1))
    return apart / np.quantile(apart, 0.9)


def bars(near: np.ndarray, other: np.ndarray) -> float:
    """Total length of the bars of dimension 1; one cloud is joined by the shorter of both distances."""
    graph = np.block([[np.zeros_like(near), near], [near.T, np.minimum(near, other)]])
    born, died = ripser(graph, distance_matrix=True, maxdim=1)["dgms"][1].T
    return float((died - born).sum())


KIND = AnalysisKind(
    about="Topology divergence of two checkpoints' tokens: 0 for clouds of one shape",
    version=1,
    of="pairs",
    measure=measure,
    metrics=("rtd", "forth", "back"),
    options=Options,
)
