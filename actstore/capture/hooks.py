"""Hooks: take sites from a model as it runs. Knows no checkpoint and no batch."""

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import nn
from torch.utils.hooks import RemovableHandle

from actstore.capture.families import Family
from actstore.errors import ModelError
from actstore.schema.refs import site_layer

Take = Callable[[str, torch.Tensor], None]


def find_layers(model: nn.Module, family: Family | None, n_layers: int) -> tuple[str, nn.ModuleList]:
    """Path and list of the model's layers. Raises ModelError where it is not there, or not the only one."""
    if family is not None:
        return family.layers, _at(model, family.layers, n_layers)
    lists = [
        (path, module)
        for path, module in model.named_modules()
        if isinstance(module, nn.ModuleList) and len(module) == n_layers
    ]
    if len(lists) != 1:
        raise ModelError(
            f"{type(model).__name__} is of no listed family and has {len(lists)} lists of {n_layers} "
            "modules, one is needed to find its layers; add its family to actstore/capture/families.py"
        )
    return lists[0]


def install(
    model: nn.Module, layers: nn.ModuleList, family: Family | None, sites: Iterable[str], take: Take
) -> list[RemovableHandle]:
    """Have `take(site, value)` called with each site's [N, longest, D] as the model computes it."""
    handles = []
    for site in sites:
        layer = site_layer(site)
        if site == "L00":
            handles.append(layers[0].register_forward_pre_hook(_input_hook(site, take), with_kwargs=True))
        else:
            module = model if layer is None else layers[layer - 1]
            inner = _submodule(module, _path_within(family, site))
            handles.append(inner.register_forward_hook(_output_hook(site, take)))
    return handles


def keep_layers(model: nn.Module, path: str, layers: nn.ModuleList, n_kept: int) -> None:
    """Take the layers above the highest one that is asked for out of the model: they need not run."""
    parent, _, name = path.rpartition(".")
    setattr(model.get_submodule(parent), name, layers[:n_kept])


def _path_within(family: Family | None, site: str) -> str:
    """Path of a site's module within its layer, or for `final` within the model; '' for the layer itself."""
    if site != "final" and "." not in site:
        return ""
    path = None
    if family is not None:
        path = (
            family.final_norm
            if site == "final"
            else family.mlp
            if site.endswith(".mlp")
            else family.attention
        )
    if path is None:
        raise ModelError(f"site {site!r}: not known for this family; take whole layers like L01")
    return path


def _input_hook(site: str, take: Take) -> Callable[..., None]:
    def hook(_module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        take(site, args[0] if args else kwargs["hidden_states"])

    return hook


def _output_hook(site: str, take: Take) -> Callable[..., None]:
    def hook(_module: nn.Module, _args: tuple[Any, ...], output: Any) -> None:
        take(site, output[0] if isinstance(output, tuple) else output)

    return hook


def _at(model: nn.Module, path: str, n_layers: int) -> nn.ModuleList:
    found = _submodule(model, path)
    if not isinstance(found, nn.ModuleList) or len(found) != n_layers:
        raise ModelError(
            f"{type(model).__name__} has no list of {n_layers} layers at {path!r}; its config.json and this "
            "version of transformers do not agree, correct actstore/capture/families.py"
        )
    return found


def _submodule(module: nn.Module, path: str) -> nn.Module:
    try:
        return module.get_submodule(path)
    except AttributeError as error:
        raise ModelError(
            f"{type(module).__name__} has no module {path!r} in this version of transformers; correct "
            "actstore/capture/families.py"
        ) from error
