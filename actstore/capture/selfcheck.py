"""Self-check at load: do the hooks give what the library itself calls the hidden states?"""

import inspect
from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from actstore.capture.families import Family
from actstore.capture.hooks import install
from actstore.capture.model import Trunk
from actstore.capture.padding import PaddedBatch
from actstore.errors import ModelError
from actstore.schema.refs import layer_site

N_TOKENS = 6
TOLERANCE = 1e-5


def check_hooks(
    model: Trunk, layers: nn.ModuleList, family: Family | None, sites: Sequence[str]
) -> dict[str, int]:
    """Run one short text, compare every layer with `output_hidden_states`, and return the sites' widths.

    The last hidden state is compared with the last layer, or with the final norm where the family has one; in
    a family that is not listed it may be either, and is not compared.
    Raises ModelError naming the first site that differs.
    """
    names = [layer_site(layer) for layer in range(len(layers) + 1)]
    final = ["final"] if family is not None and family.final_norm is not None else []
    taken: dict[str, torch.Tensor] = {}

    def take(site: str, value: torch.Tensor) -> None:
        taken[site] = value.clone()  # so that a model that writes into its own layers' output is found out

    handles = install(model, layers, family, dict.fromkeys([*names, *final, *sites]), take)
    try:
        output = run(model, _short_text(model), output_hidden_states=True, return_dict=True)
    finally:
        for handle in handles:
            handle.remove()
    if len(output.hidden_states) != len(names):
        raise ModelError(
            f"{type(model).__name__} reports {len(output.hidden_states)} hidden states for {len(layers)} "
            f"layers, {len(names)} are needed; add or correct its family in actstore/capture/families.py"
        )
    last = final or ([] if family is None else names[-1:])
    for site, expected in zip([*names[:-1], *last], output.hidden_states, strict=False):
        _compare(model, site, taken.get(site), expected)
    return {site: int(_found(model, site, taken.get(site)).shape[-1]) for site in sites}


def run(model: Trunk, batch: PaddedBatch, **options: Any) -> Any:
    """One forward pass; a model is given only the inputs that it takes."""
    accepted = inspect.signature(model.forward).parameters
    inputs = {"attention_mask": batch.mask, "token_type_ids": batch.segments, "use_cache": False}
    given = {name: value for name, value in inputs.items() if name in accepted and value is not None}
    with torch.no_grad():
        return model(batch.token_ids, **given, **options)


def _short_text(model: Trunk) -> PaddedBatch:
    n_ids = model.get_input_embeddings().num_embeddings
    ids = (3 + 7 * torch.arange(N_TOKENS, device=model.device)) % n_ids
    return PaddedBatch(token_ids=ids[None, :], segments=None, mask=None, places=None)


def _found(model: Trunk, site: str, value: torch.Tensor | None) -> torch.Tensor:
    if value is None:
        raise ModelError(
            f"site {site}: {type(model).__name__} did not run the module that gives it; choose other sites, "
            "or correct its family in actstore/capture/families.py"
        )
    return value


def _compare(model: Trunk, site: str, value: torch.Tensor | None, expected: torch.Tensor) -> None:
    found = _found(model, site, value)
    same = found.shape == expected.shape and torch.allclose(
        found, expected, rtol=TOLERANCE, atol=TOLERANCE, equal_nan=True
    )
    if not same:
        raise ModelError(
            f"site {site}: what the hook takes from {type(model).__name__} is not the hidden state that "
            "transformers reports; add or correct its family in actstore/capture/families.py"
        )
