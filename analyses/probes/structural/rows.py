"""Rows of structural probes: the table `structural_probe`, what lies beside it, and predictions."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from actstore.schema.tables import RESULTS
from analyses.probes.structural.plan import Probe
from analyses.probes.structural.scores import Score
from analyses.probes.structural.training import Trained
from analyses.probes.structural.treebank import Treebank

PROBES = pa.schema(
    [*RESULTS["structural_probe"], ("n_of_length", pa.int64()), ("n_undefined", pa.int64()),
     ("n_punctuation_only", pa.int64()), ("n_without_tokens", pa.int64()), ("n_without_values", pa.int64()),
     ("n_train_sentences", pa.int64()), ("n_epochs", pa.int32()), ("best_epoch", pa.int32()),
     ("dev_loss", pa.float64()), ("learning_rate", pa.float64()), ("dev_losses", pa.list_(pa.float64()))]
)  # fmt: skip
"""The table's columns, and counts of what was left out and how training went."""
PREDICTIONS = pa.schema(
    [("split", pa.string()), ("example", pa.int32()), ("word", pa.int32()),
     ("gold", pa.list_(pa.int16())), ("predicted", pa.list_(pa.float32()))]
)  # fmt: skip
"""A row a word: its distances to the words of its sentence, or its depth alone."""


def score_rows(
    name: str,
    probe: Probe,
    trained: Trained,
    scores: Mapping[str, Score],
    counts: Mapping[str, Mapping[str, int]],
) -> pa.Table:
    """A row (PROBES) for each scored split of a probe."""
    about = {
        "name": name,
        "kind": probe.kind,
        "checkpoint": probe.checkpoint,
        "layer": probe.layer,
        "rank": probe.rank,
        "seed": probe.seed,
        "n_train_sentences": counts["train"]["n_sentences"],
        "n_epochs": len(trained.dev_losses),
        "best_epoch": trained.best_epoch,
        "dev_loss": trained.dev_losses[trained.best_epoch],
        "learning_rate": trained.learning_rate,
        "dev_losses": list(trained.dev_losses),
    }
    rows = [
        {
            **about,
            "split": split,
            **{field: getattr(score, field) for field in Score.__dataclass_fields__},
            **{field: counts[split][field] for field in ("n_without_tokens", "n_without_values")},
        }
        for split, score in scores.items()
    ]
    return pa.Table.from_pylist(rows, schema=PROBES)


def prediction_rows(
    found: Mapping[str, tuple[Treebank, list[npt.NDArray[np.float32]], list[npt.NDArray[Any]]]],
) -> pa.Table:
    """Rows (PREDICTIONS) of one probe: by split its treebank, predictions and targets of each sentence."""
    rows = [
        {
            "split": split,
            "example": int(bank.example_S[sentence]),
            "word": word,
            "gold": np.atleast_1d(gold[word]),
            "predicted": np.atleast_1d(guess[word]),
        }
        for split, (bank, guesses, golds) in found.items()
        for sentence, (guess, gold) in enumerate(zip(guesses, golds, strict=True))
        for word in range(len(gold))
    ]
    return pa.Table.from_pylist(rows, schema=PREDICTIONS)
