"""Rows of MDL probes: the table `mdl_probe`, and beside it the learning curve and what was left out."""

from typing import Any

import numpy as np
import pyarrow as pa

from actstore.schema.tables import RESULTS
from analyses.probes.edge.task_runs import TaskRuns
from analyses.probes.mdl.code import CodeLength, bits_a_target, online_code, variational_code
from analyses.probes.mdl.plan import MdlProbe
from analyses.probes.mdl.training import OnlineFound, VariationalFound

PROBES = pa.schema(
    [*RESULTS["mdl_probe"], ("data_bits", pa.float64()), ("model_bits", pa.float64()),
     ("accuracy", pa.float64()), ("n_labels", pa.int32()), ("n_sentences", pa.int64()),
     ("n_without_tokens", pa.int64()), ("n_without_values", pa.int64()),
     ("n_unseen", pa.int64()), ("block_sentences", pa.list_(pa.int64())),
     ("block_targets", pa.list_(pa.int64())), ("block_nats", pa.list_(pa.float64()))]
)  # fmt: skip
"""The table's columns; `block_targets` and `block_nats` are of each block of an online code, the nats of the
first block those of the uniform code."""


def online_row(
    name: str, probe: MdlProbe, task: TaskRuns, *, found: OnlineFound, at: int, units: str
) -> dict[str, Any]:
    """The row (PROBES) of an online code; `at`: the probe's place in its stack."""
    target_bits = bits_a_target(len(task.labels), multi_label=task.multi_label)
    nats = found.next_block_nats_IP[:, at].tolist()
    code = online_code(
        found.n_targets_of_block,
        nats,
        target_bits=target_bits,
        all_data_nats=float(found.all_data_nats_P[at]),
        units=units,
    )
    first_nats = found.n_targets_of_block[0] * target_bits * float(np.log(2))
    return {
        **_row(name, probe, task, code, sum(found.n_targets_of_block)),
        "accuracy": float(found.accuracy_P[at]),
        "block_sentences": list(found.n_sentences),
        "block_targets": list(found.n_targets_of_block),
        "block_nats": [first_nats, *nats],
    }


def variational_row(
    name: str,
    probe: MdlProbe,
    task: TaskRuns,
    *,
    found: VariationalFound,
    at: int,
    n_targets: int,
    units: str,
) -> dict[str, Any]:
    """The row (PROBES) of a variational code."""
    code = variational_code(
        n_targets=n_targets,
        target_bits=bits_a_target(len(task.labels), multi_label=task.multi_label),
        kl_nats=float(found.kl_nats_P[at]),
        data_nats=float(found.data_nats_P[at]),
        units=units,
    )
    return {**_row(name, probe, task, code, n_targets), "accuracy": float(found.accuracy_P[at])}


def _row(name: str, probe: MdlProbe, task: TaskRuns, code: CodeLength, n_targets: int) -> dict[str, Any]:
    return {
        "name": name,
        "task": probe.task,
        "checkpoint": probe.checkpoint,
        "mode": probe.mode,
        "layer": probe.layer,
        "seed": probe.seed,
        "code": probe.code,
        "n_targets": n_targets,
        "uniform_bits": code.uniform_bits,
        "codelength_bits": code.codelength_bits,
        "compression": code.compression,
        "data_bits": code.data_bits,
        "model_bits": code.model_bits,
        "n_labels": len(task.labels),
    }
