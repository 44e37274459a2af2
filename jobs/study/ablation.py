"""[[ablation]]: what a task loses when layers are frozen or cut off."""

from typing import Literal

from jobs.study.base import Layers, Name
from jobs.study.finetune import Trained


class Ablation(Trained):
    """A layer ablation."""

    name: Name
    kind: Literal["freeze", "truncate", "truncate-frozen"]
    base: Name
    layers: Layers = "all"
    """Numbers of frozen (or kept) layers."""
