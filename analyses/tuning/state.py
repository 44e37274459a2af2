"""TrainState: a training between two steps, as a file of tensors (safetensors, no pickle)."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import nn

from actstore.errors import RequestError, StorageError
from analyses.tuning.settings import TrainSettings

RECORD = "record"
MOMENTS = ("m", "v")
LATER = ("save_steps", "accumulation")
"""Settings that may differ between a state and the training that goes on from it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainState:
    """Weights, moments of the optimiser and how far it is; random numbers follow from seed and step."""

    steps_done: int
    n_steps: int
    settings: dict[str, Any]
    loss_scale: dict[str, Any]
    tensors: dict[str, torch.Tensor] = field(repr=False)
    """w.<name>, m.<name> and v.<name> of every trained parameter."""


def write_state(path: Path, state: TrainState) -> None:
    """Write a state to a new file."""
    record = {
        "steps_done": state.steps_done,
        "n_steps": state.n_steps,
        "settings": state.settings,
        "loss_scale": state.loss_scale,
    }
    save_file(state.tensors, path, metadata={RECORD: json.dumps(record)})


def read_state(path: Path) -> TrainState:
    """Raises StorageError where the file is no whole state."""
    try:
        with safe_open(path, "pt") as file:
            record = json.loads(file.metadata()[RECORD])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, KeyError, TypeError, ValueError) as error:
        raise StorageError(
            f"{path} is no whole state of a training ({error}); remove it to begin anew"
        ) from error
    return TrainState(**record, tensors=tensors)


def trained(model: nn.Module) -> dict[str, nn.Parameter]:
    """Parameters that are trained, by name; one that is shared once."""
    return {name: value for name, value in model.named_parameters() if value.requires_grad}


def optimiser_tensors(model: nn.Module, optimiser: torch.optim.Optimizer) -> dict[str, torch.Tensor]:
    """Copies of all weights and moments; moments that are not there yet are left out."""
    found: dict[str, torch.Tensor] = {}
    for name, weight in trained(model).items():
        found[f"w.{name}"] = weight.detach().to("cpu", copy=True).contiguous()
        for moment in MOMENTS:
            if weight in optimiser.state:
                value = optimiser.state[weight][moment]
                found[f"{moment}.{name}"] = value.to("cpu", copy=True).contiguous()
    return found


def check_state(state: TrainState, model: nn.Module, settings: TrainSettings, n_steps: int) -> None:
    """Raises RequestError where a state is of another training."""
    asked = settings.to_dict()
    for name, value in asked.items():
        if name not in LATER and state.settings.get(name) != value:
            raise RequestError(
                f"the saved state is of a training with {name} = {state.settings.get(name)!r}, asked is "
                f"{value!r}; ask for the same, or remove the state to begin anew"
            )
    weights = {f"w.{name}": tuple(value.shape) for name, value in trained(model).items()}
    saved = {name: tuple(value.shape) for name, value in state.tensors.items() if name.startswith("w.")}
    if weights != saved or state.n_steps != n_steps:
        raise RequestError("the saved state is of another model or another corpus; remove it to begin anew")


@torch.no_grad()
def take_state(state: TrainState, model: nn.Module, optimiser: torch.optim.Optimizer) -> None:
    """Set weights and moments to those of a state."""
    for name, weight in trained(model).items():
        weight.copy_(state.tensors[f"w.{name}"])
        moments = {
            moment: state.tensors[f"{moment}.{name}"].to(weight.device, copy=True)
            for moment in MOMENTS
            if f"{moment}.{name}" in state.tensors
        }
        if moments:
            optimiser.state[weight] = moments
