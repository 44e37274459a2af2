"""Rows of word probes: the table `word_probe`, and beside it what the numbers are made of."""

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from actstore.schema.tables import RESULTS
from analyses.probes.word.information import entropy_bits, usable_bits
from analyses.probes.word.training import Found

_F, _I = pa.float64(), pa.int64()
PROBES = pa.schema(
    [*RESULTS["word_probe"], ("selectivity", _F), ("dev_accuracy", _F), ("h_bits", _F), ("given", pa.int32()),
     ("h_given_bits", _F), ("h_beside_bits", _F), ("i_given_bits", _F), ("majority", _F),
     ("control_majority", _F), ("n_words", _I), ("n_train_words", _I), ("n_labels", pa.int32()),
     ("n_types", _I), ("n_without_tokens", _I), ("n_without_values", _I), ("n_unseen", _I),
     ("n_epochs", pa.int32()), ("best_epoch", pa.int32()), ("streamed", pa.bool_())]
)  # fmt: skip
"""The table's columns; `h_bits`: H_V(Y), of a probe that sees zeros; `h_given_bits`: H_V(Y | [B, 0]) of the
layer `given` alone, `h_beside_bits`: H_V(Y | [B, R]), `i_given_bits`: their difference; `majority`: share of
the most frequent training label among the test words."""


def measured(found: Mapping[str, Found]) -> dict[str, Any]:
    """Scores of a layer from its probes by what they are: label, control, nothing, given, beside."""
    label = found["label"]
    h_v = entropy_bits(label.nats, 1)
    row: dict[str, Any] = {"accuracy": label.accuracy, "h_v_bits": h_v}
    if "control" in found:
        control = found["control"].accuracy
        row |= {"control_accuracy": control, "selectivity": label.accuracy - control}
    if "nothing" in found:
        h = entropy_bits(found["nothing"].nats, 1)
        row |= {"h_bits": h, "i_v_bits": usable_bits(h, h_v)}
    if "given" in found:
        given, beside = (entropy_bits(found[name].nats, 1) for name in ("given", "beside"))
        row |= {
            "h_given_bits": given, "h_beside_bits": beside, "i_given_bits": usable_bits(given, beside)
        }  # fmt: skip
    return row
