"""build_model: trunk, norm and head of a task, from a checkpoint's folder."""

from dataclasses import replace

import torch

from analyses.tuning.features import TaskData
from analyses.tuning.heads.head import Head
from analyses.tuning.heads.nli import NliHead
from analyses.tuning.model import TaskModel
from analyses.tuning.settings import TrainSettings
from analyses.tuning.tasks.task import HeadOptions, Task, TrunkFacts
from analyses.tuning.trunk.build import build_trunk
from analyses.tuning.trunk.initial import draw_weights
from analyses.tuning.trunk.spec import TrunkSpec
from analyses.tuning.trunk.trunk import Trunk
from analyses.tuning.trunk.weights import CheckpointTensors

KEPT = ("arc_biaffine", "label_biaffine", "decoder")
"""Weights of a head that are not drawn: biaffine ones start at zero, the decoder is the embedding."""


def build_model(
    spec: TrunkSpec, task: Task, data: TaskData, settings: TrainSettings, options: HeadOptions | None = None
) -> TaskModel:
    """A model ready to train on `data`: the trunk's weights from the checkpoint, the head's drawn by seed.

    Raises ModelError and RequestError, before any weights are read where that can be known.
    """
    options = options or HeadOptions()
    dropout = spec.dropout if settings.dropout is None else settings.dropout
    trunk = build_trunk(replace(spec, dropout=dropout))
    facts = TrunkFacts(width=trunk.width, causal=trunk.family.causal, embedding=trunk.embedding)
    head = task.head(data, facts, settings, options)
    draw_weights(head, settings.seed, kept=KEPT)
    if options.pooler_init == "pretrained" and spec.random_seed is None:
        _take_pooler(head, trunk, spec)
    return TaskModel(trunk, trunk.norm, head)


def _take_pooler(head: Head, trunk: Trunk, spec: TrunkSpec) -> None:
    """The checkpoint's own pooler, where the head has one and the checkpoint too."""
    name = trunk.family.pooler
    if name is None or not isinstance(head, NliHead):
        return
    with CheckpointTensors(spec.folder, trunk.family) as tensors, torch.no_grad():
        if f"{name}.weight" in tensors:
            head.pooler.weight.copy_(tensors.read(f"{name}.weight"))
            head.pooler.bias.copy_(tensors.read(f"{name}.bias"))
