"""Head files: head.safetensors (head and final norm) and head.json, enough to score without the trunk."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn

from actstore.errors import FormatVersionError, ModelError
from analyses.tuning.heads.head import Head
from analyses.tuning.heads.mlm import MlmHead, MlmSpec
from analyses.tuning.heads.nli import NliHead, NliSpec
from analyses.tuning.heads.parser import ParserHead, ParserSpec
from analyses.tuning.heads.qa import QaHead, QaSpec
from analyses.tuning.model import StoredTop, TaskModel
from analyses.tuning.norm import NormSpec, make_norm, norm_spec

TENSORS, RECORD = "head.safetensors", "head.json"
HEAD_VERSION = 1
_HEADS: dict[str, tuple[Any, Any]] = {
    "mnli": (NliSpec, NliHead),
    "squad": (QaSpec, QaHead),
    "dep": (ParserSpec, ParserHead),
    "mlm": (MlmSpec, MlmHead),
}


def save_head(model: TaskModel, folder: Path) -> None:
    """Write the two files into a folder."""
    parts: dict[str, nn.Module] = {"head": model.head, "norm": model.norm}
    tensors = {
        f"{part}.{name}": value.detach().cpu().contiguous()
        for part, module in parts.items()
        for name, value in module.named_parameters()
    }
    save_file(tensors, folder / TENSORS)
    norm = norm_spec(model.norm)
    record = {
        "head_version": HEAD_VERSION,
        "task": model.head.task,
        "head": model.head.spec.to_dict(),
        "norm": None if norm is None else asdict(norm),
    }
    (folder / RECORD).write_text(json.dumps(record, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def load_head(folder: Path) -> TaskModel:
    """Head and final norm, on stored activations of the last layer. Raises ModelError, FormatVersionError."""
    record = read_record(folder)
    spec_type, head_type = _HEADS[record["task"]]
    head: Head = head_type(spec_type.from_dict(record["head"]))
    norm = None if record["norm"] is None else make_norm(NormSpec(**record["norm"]))
    model = TaskModel(StoredTop(), norm, head)
    try:
        model.load_state_dict(load_file(folder / TENSORS), strict=True)
    except (OSError, SafetensorError, RuntimeError) as error:
        raise ModelError(
            f"{folder / TENSORS} does not fit {RECORD} ({error}); train the head anew"
        ) from error
    return model.eval()


def read_record(folder: Path) -> dict[str, Any]:
    """What a saved head is: task, head (its spec), norm. Raises ModelError, FormatVersionError."""
    try:
        record: dict[str, Any] = json.loads((folder / RECORD).read_text(encoding="utf-8"))
        version, task = int(record["head_version"]), record["task"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(
            f"{folder} holds no head ({RECORD}: {error}); name a fine-tuned checkpoint"
        ) from error
    if version > HEAD_VERSION or task not in _HEADS:
        raise FormatVersionError(
            f"{folder / RECORD}: version {version}, task {task!r}; this actstore reads "
            f"version {HEAD_VERSION} of {', '.join(_HEADS)}; install a newer one"
        )
    return record
