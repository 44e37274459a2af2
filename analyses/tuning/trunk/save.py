"""save_checkpoint: a trained trunk as an ordinary folder, frozen layers included, dropped ones not."""

import json
import shutil
from pathlib import Path

import torch
from safetensors.torch import save_file

from actstore.errors import RequestError
from analyses.tuning.heads.files import save_head
from analyses.tuning.heads.nli import NliHead
from analyses.tuning.model import TaskModel
from analyses.tuning.trunk.build import checkpoint_name
from analyses.tuning.trunk.families import TrunkFamily
from analyses.tuning.trunk.trunk import Trunk
from analyses.tuning.trunk.weights import CheckpointTensors

TOKENIZER_FILES = (
    "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "vocab.txt",
    "vocab.json", "merges.txt", "tokenizer.model", "spiece.model", "sentencepiece.bpe.model",
)  # fmt: skip


def save_checkpoint(model: TaskModel, folder: Path) -> None:
    """Write model.safetensors, config.json, the tokenizer's files and the head into an existing folder.

    AutoModel loads it. Layers that were replaced by stored activations are copied from the base. The
    configuration is the base's, but for the number of layers. Raises RequestError for a head without trunk.
    """
    trunk = model.trunk
    if not isinstance(trunk, Trunk):
        raise RequestError("this is a head alone, without a trunk to save; use heads.files.save_head")
    save_file(_tensors(model, trunk), folder / "model.safetensors", metadata={"format": "pt"})
    config = json.loads((trunk.spec.folder / "config.json").read_text(encoding="utf-8"))
    config[trunk.family.n_layers_field] = trunk.n_layers
    if "layer_types" in config:
        config["layer_types"] = config["layer_types"][: trunk.n_layers]
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    for name in TOKENIZER_FILES:
        if (trunk.spec.folder / name).is_file():
            shutil.copyfile(trunk.spec.folder / name, folder / name)
    save_head(model, folder)


def _tensors(model: TaskModel, trunk: Trunk) -> dict[str, torch.Tensor]:
    """By the names of the model without head."""
    family = trunk.family
    found: dict[str, torch.Tensor] = {}
    if trunk.spec.random_seed is None:
        with CheckpointTensors(trunk.spec.folder, family) as base:
            found = {name: base.read(name) for name in base if _kept(name, family, trunk.n_layers)}
    first_layer = trunk.n_frozen if trunk.starts_from_store else 0
    for name, value in trunk.model.named_parameters():
        found[checkpoint_name(name, family, first_layer)] = value
    for name, value in model.norm.named_parameters():
        found[f"{family.final_norm}.{name}"] = value
    if isinstance(model.head, NliHead) and family.pooler is not None:
        for name, value in model.head.pooler.named_parameters():
            found[f"{family.pooler}.{name}"] = value
    return {name: value.detach().cpu().contiguous() for name, value in found.items()}


def _kept(name: str, family: TrunkFamily, n_layers: int) -> bool:
    """Whether a tensor of the base is of its trunk or pooler, and not of a layer that was dropped."""
    lead = f"{family.layers}."
    if name.startswith(lead):
        return int(name.removeprefix(lead).partition(".")[0]) < n_layers
    tops = {
        path.partition(".")[0] for path in (*family.replaced, family.pooler or "", family.final_norm or "")
    }
    return name.partition(".")[0] in tops - {""}
