"""Rows of edge probes: the table `edge_probe`, what lies beside it, and predictions."""

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from actstore.schema.tables import RESULTS
from analyses.probes.edge.climb import Climb
from analyses.probes.edge.plan import EdgeProbe
from analyses.probes.edge.scores import macro_f1, score
from analyses.probes.edge.tally import Tally
from analyses.probes.edge.target_set import TargetSet

_F, _I = pa.float64(), pa.int64()
PROBES = pa.schema(
    [*RESULTS["edge_probe"], ("low_all", _F), ("high_all", _F), ("low_clean", _F), ("high_clean", _F),
     ("half_width", _F), ("macro_f1", _F), ("n_sentences", _I), ("n_without_tokens", _I),
     ("n_without_values", _I), ("n_unseen", _I), ("n_train_targets", _I), ("n_steps", _I),
     ("n_validations", pa.int32()), ("best_validation", pa.int32()), ("dev_f1", _F), ("learning_rate", _F),
     ("streamed", pa.bool_()), ("gamma", _F), ("mix_layers", pa.list_(pa.int32())),
     ("mix_weights", pa.list_(_F)), ("centre_of_gravity", _F), ("kl_bits", _F),
     ("layer_norms", pa.list_(_F)), ("labels", pa.list_(pa.string())), ("label_counts", pa.list_(_I)),
     ("confusion", pa.list_(_I))]
)  # fmt: skip
"""The table's columns; intervals, what was left out, how training went, what the mix came to. `label_counts`:
true positives, false positives, false negatives of each label; `confusion`: label by label, row by row."""
PREDICTIONS = pa.schema(
    [("split", pa.string()), ("example", pa.int32()), ("target", pa.int32()),
     ("gold", pa.list_(pa.string())), ("logits", pa.list_(pa.float32()))]
)  # fmt: skip
"""A row a target; logits in the order of the task's labels."""


def mix_of(weight_L: npt.NDArray[np.float64], layers: Sequence[int]) -> dict[str, float]:
    """Centre of gravity of a mix, and how far it is from uniform, in bits (Tenney et al. 2019b)."""
    entropy = -sum(float(share) * math.log2(share) for share in weight_L if share > 0)
    return {
        "centre_of_gravity": float(np.dot(weight_L, layers)),
        "kl_bits": max(0.0, math.log2(len(layers)) - entropy),
    }


def expected_layer(score_by_layer: Mapping[int, float]) -> float | None:
    """Mean layer at which a task is solved, of cumulative scores: sum k d_k / sum d_k, d_k the gain of layer
    k over the one before (Tenney et al. 2019b). None where nothing is gained in all."""
    layers = sorted(score_by_layer)
    gains = [score_by_layer[b] - score_by_layer[a] for a, b in pairwise(layers)]
    total = sum(gains)
    return sum(k * gain for k, gain in zip(layers[1:], gains, strict=True)) / total if total > 0 else None


def probe_row(name: str, probe: EdgeProbe, climb: Climb, mix: Mapping[str, Any]) -> dict[str, Any]:
    """What the rows of a probe have in common."""
    return {
        "name": name,
        "task": probe.task,
        "checkpoint": probe.checkpoint,
        "mode": probe.mode,
        "layer": probe.layer,
        "seed": probe.seed,
        "n_validations": climb.n_validations,
        "best_validation": climb.best_at,
        "dev_f1": climb.best,
        "learning_rate": climb.learning_rate,
        "mix_layers": list(probe.reads),
        **mix,
    }


def split_row(split: str, tally: Tally, data: TargetSet, labels: tuple[str, ...]) -> dict[str, Any]:
    """The scores of a split."""
    every, clean = score(tally.all_S3), score(tally.clean_S3)
    return {
        "split": split,
        "n_targets": data.n_targets,
        "n_sentences": data.n_sentences,
        "n_without_tokens": data.n_without_tokens,
        "n_without_values": data.n_without_values,
        "precision": every.precision,
        "recall": every.recall,
        "micro_f1_all": every.f1,
        "micro_f1_clean": clean.f1,
        "low_all": every.low,
        "high_all": every.high,
        "low_clean": clean.low,
        "high_clean": clean.high,
        "half_width": every.half_width,
        "macro_f1": macro_f1(tally.label_K3),
        "labels": list(labels),
        "label_counts": tally.label_K3.ravel().tolist(),
        "confusion": tally.confusion_KK.ravel().tolist(),
    }


def prediction_rows(
    split: str, logit_BK: npt.NDArray[np.floating[Any]], data: TargetSet, labels: tuple[str, ...]
) -> pa.Table:
    """Rows (PREDICTIONS) of one probe on a split, by its logits of every target in order."""
    names = np.array(labels, dtype=object)
    columns = [
        pa.repeat(split, data.n_targets),
        pa.array(data.examples.astype(np.int32)),
        pa.array(data.target_B.astype(np.int32)),
        pa.array([names[gold_K].tolist() for gold_K in data.label_BK], pa.list_(pa.string())),
        pa.array(list(logit_BK.astype(np.float32)), pa.list_(pa.float32())),
    ]
    return pa.table(columns, schema=PREDICTIONS)
