"""build_trunk: a trunk from a checkpoint's folder; what is not trained from is neither built nor loaded."""

from pathlib import Path
from typing import Any

import torch
from torch import nn

from actstore.errors import ModelError
from analyses.tuning.trunk.families import TrunkFamily, trunk_family
from analyses.tuning.trunk.given import STAND_INS
from analyses.tuning.trunk.initial import draw_weights
from analyses.tuning.trunk.spec import TrunkSpec
from analyses.tuning.trunk.trunk import Trunk
from analyses.tuning.trunk.weights import CheckpointTensors


def build_trunk(spec: TrunkSpec) -> Trunk:
    """The layers above the frozen ones, in float32 on the CPU.

    Layers are made without memory, those that are needed are then filled: with frozen layers that start from
    stored activations, neither they nor the embeddings are read. Raises ModelError, RequestError.
    """
    config = _config(spec.folder)
    family = trunk_family(config.model_type)
    frozen, kept = spec.checked(getattr(config, family.n_layers_field))
    _set_dropout(config, family, spec.dropout)
    model = _unfilled(config, spec.attention)
    _cut(model, family, frozen if spec.starts_from_store else 0, kept)
    if spec.starts_from_store:
        for path, stand_in in family.replaced.items():
            _set(model, path, STAND_INS[stand_in]())
    _fill(model, spec, family, first_layer=frozen if spec.starts_from_store else 0)
    return Trunk(model, family, spec, n_frozen=frozen, n_layers=kept)


def _config(folder: Path) -> Any:
    from transformers import AutoConfig

    try:
        return AutoConfig.from_pretrained(folder, trust_remote_code=False, local_files_only=True)
    except (OSError, ValueError, KeyError) as error:
        raise ModelError(f"{folder} has no configuration that can be read: {error}") from error


def _set_dropout(config: Any, family: TrunkFamily, dropout: float | None) -> None:
    if dropout is not None:
        for name in family.dropout_fields:
            setattr(config, name, dropout)


def _unfilled(config: Any, attention: str) -> Any:
    """The model without head, its tensors without memory."""
    from transformers import AutoModel

    kind: Any = AutoModel._model_mapping[type(config)]
    options = {"add_pooling_layer": False} if config.model_type in _WITH_POOLER else {}
    with torch.device("meta"):
        return kind._from_config(config, dtype=torch.float32, attn_implementation=attention, **options)


_WITH_POOLER = ("bert", "roberta", "xlm-roberta", "camembert")


def _cut(model: Any, family: TrunkFamily, first: int, end: int) -> None:
    layers = model.get_submodule(family.layers)
    _set(model, family.layers, layers[first:end])


def _set(model: nn.Module, path: str, module: nn.Module) -> None:
    parent, _, name = path.rpartition(".")
    setattr(model.get_submodule(parent), name, module)


def _fill(model: Any, spec: TrunkSpec, family: TrunkFamily, first_layer: int) -> None:
    model.to_empty(device="cpu")
    for parameter in model.parameters():
        parameter._is_hf_initialized = True  # so that only buffers are computed below
    model.initialize_weights()
    if spec.random_seed is not None:
        draw_weights(model, spec.random_seed, float(getattr(model.config, "initializer_range", 0.02)))
        return
    with CheckpointTensors(spec.folder, family) as tensors, torch.no_grad():
        for name, parameter in model.named_parameters():
            stored = tensors.read(checkpoint_name(name, family, first_layer))
            if stored.shape != parameter.shape:
                raise ModelError(
                    f"{spec.folder}: {name!r} is {tuple(stored.shape)}, its configuration asks for "
                    f"{tuple(parameter.shape)}; config.json and weights do not belong together"
                )
            parameter.copy_(stored)


def checkpoint_name(name: str, family: TrunkFamily, first_layer: int) -> str:
    """A parameter's name in the whole model: layers are numbered from the first that was built."""
    lead = f"{family.layers}."
    if not name.startswith(lead):
        return name
    number, _, rest = name.removeprefix(lead).partition(".")
    return f"{lead}{int(number) + first_layer}.{rest}"
