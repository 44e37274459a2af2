"""Scores of edge probes from counts: F1, Tenney's half width, intervals by example. Pure numbers."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analyses.probes.edge.tally import Tally
from analyses.statistics.resampling import example_weights, percentile_interval

Floats = npt.NDArray[np.float64]
RESAMPLES, RESAMPLES_AT_ONCE = 1000, 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """Precision, recall and F1 of pooled counts; 0 where nothing is to be found and nothing is."""

    precision: float
    recall: float
    f1: float
    half_width: float
    """Of a 95 % interval, as Tenney et al. give it: 1.96 sqrt(p (1 - p) / n) of precision and of recall,
    combined by their harmonic mean."""
    low: float | None = None
    """Of the central 95 % of F1 over resamples of whole examples; None where there is one example alone."""
    high: float | None = None


def score(count_S3: npt.NDArray[np.int64], *, intervals: bool = True) -> Score:
    """The score of counts by sentence (true positives, false positives, false negatives)."""
    tp, fp, fn = (int(value) for value in count_S3.sum(axis=0))
    precision, recall = _share(tp, tp + fp), _share(tp, tp + fn)
    low, high = interval(count_S3) if intervals and len(count_S3) > 1 else (None, None)
    return Score(
        precision=precision,
        recall=recall,
        f1=float(f1(np.array([tp, fp, fn]))),
        half_width=_harmonic(_half_width(precision, tp + fp), _half_width(recall, tp + fn)),
        low=low,
        high=high,
    )


def f1(count_3: npt.NDArray[np.floating] | npt.NDArray[np.integer]) -> Floats:
    """F1 of counts [..., 3]; 0 where all are 0."""
    tp, fp, fn = (count_3[..., at].astype(np.float64) for at in range(3))
    total = 2 * tp + fp + fn
    return np.asarray(np.divide(2 * tp, total, out=np.zeros_like(total), where=total > 0))


def macro_f1(label_K3: npt.NDArray[np.int64]) -> float:
    """Mean over labels of their F1."""
    return float(f1(label_K3).mean())


def interval(count_S3: npt.NDArray[np.int64], resamples: int = RESAMPLES) -> tuple[float, float]:
    """Low and high of F1 over resamples of sentences; the same resamples for every probe of a split."""
    values = []
    for first in range(0, resamples, RESAMPLES_AT_ONCE):
        weight_SR = example_weights(np.arange(len(count_S3)), RESAMPLES_AT_ONCE, seed=first)
        values.append(f1(weight_SR.T.astype(np.float64) @ count_S3.astype(np.float64)))
    return percentile_interval(np.concatenate(values))


def scores_of(tally: Tally) -> dict[str, Score]:
    """micro_all and micro_clean."""
    return {"all": score(tally.all_S3), "clean": score(tally.clean_S3)}


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0


def _half_width(share: float, n: int) -> float:
    return 1.96 * math.sqrt(share * (1 - share) / n) if n else 0.0


def _harmonic(a: float, b: float) -> float:
    return 2 * a * b / (a + b) if a + b else 0.0
