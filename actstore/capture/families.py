"""Families: where each architecture keeps its layers, as a table of data. Knows no torch and no transformers.

A new architecture is one more record. One that is not listed works when exactly one list of as many modules
as it has layers passes the check at load (selfcheck.py); its heads then count as part of its identity.
"""

from dataclasses import dataclass

INDEX_BUFFERS = (
    r"(^|\.)position_ids$",
    r"(^|\.)token_type_ids$",
    r"(^|\.)inv_freq$",
    r"\.attn\.bias$",
    r"\.attn\.masked_bias$",
    r"\.attention\.bias$",
    r"\.attention\.masked_bias$",
)
"""Constants that some versions of a library save among the weights: positions, causal masks, frequencies."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """One architecture. Paths are of modules, from the model without head (AutoModel)."""

    model_types: tuple[str, ...]
    """Values of the configuration's `model_type`."""
    layers: str
    """Path of the list of layers."""
    trunk: tuple[str, ...]
    """First parts of the names of the tensors that make activations; all else is a head or a pooler."""
    prefixes: tuple[str, ...]
    """What a model with a head puts before them."""
    attention: str
    """Within a layer: what the attention block adds to the residual stream."""
    mlp: str
    """Within a layer: what the feed-forward block adds to the residual stream."""
    final_norm: str | None = None
    takes_segments: bool = False
    """Whether the model is given token_type_ids."""
    causal: bool = False
    """Whether a token sees only tokens before it, so that padding on the right needs no mask."""
    index_buffers: tuple[str, ...] = INDEX_BUFFERS
    n_layers_field: str = "num_hidden_layers"
    width_field: str = "hidden_size"
    positions_field: str = "max_position_embeddings"
    first_position: int = 0
    """Rows of the position table before the first token's: RoBERTa and MPNet count from 2."""


FAMILIES: tuple[Family, ...] = (
    Family(
        model_types=("bert",),
        trunk=("embeddings", "encoder"),
        prefixes=("bert.",),
        takes_segments=True,
        layers="encoder.layer",
        attention="attention.output.dense",
        mlp="output.dense",
    ),
    Family(
        model_types=("electra",),
        trunk=("embeddings", "embeddings_project", "encoder"),
        prefixes=("electra.",),
        takes_segments=True,
        layers="encoder.layer",
        attention="attention.output.dense",
        mlp="output.dense",
    ),
    Family(
        model_types=("roberta", "xlm-roberta", "camembert"),
        trunk=("embeddings", "encoder"),
        prefixes=("roberta.",),
        first_position=2,
        layers="encoder.layer",
        attention="attention.output.dense",
        mlp="output.dense",
    ),
    Family(
        model_types=("mpnet",),
        layers="encoder.layer",
        trunk=("embeddings", "encoder"),
        prefixes=("mpnet.",),
        attention="attention.attn",
        mlp="output.dense",
        first_position=2,
    ),
    Family(
        model_types=("distilbert",),
        layers="transformer.layer",
        trunk=("embeddings", "transformer"),
        prefixes=("distilbert.",),
        attention="attention",
        mlp="ffn",
        n_layers_field="n_layers",
        width_field="dim",
    ),
    Family(
        model_types=("gpt2",),
        layers="h",
        trunk=("wte", "wpe", "h", "ln_f"),
        prefixes=("transformer.",),
        attention="attn",
        mlp="mlp",
        final_norm="ln_f",
        causal=True,
        n_layers_field="n_layer",
        width_field="n_embd",
        positions_field="n_positions",
    ),
    Family(
        model_types=("gpt_neox",),
        layers="layers",
        trunk=("embed_in", "layers", "final_layer_norm"),
        prefixes=("gpt_neox.",),
        attention="attention",
        mlp="mlp",
        final_norm="final_layer_norm",
        causal=True,
    ),
    Family(
        model_types=("llama", "mistral", "qwen2", "qwen3", "phi3", "gemma", "smollm3"),
        layers="layers",
        trunk=("embed_tokens", "layers", "norm"),
        prefixes=("model.",),
        attention="self_attn",
        mlp="mlp",
        final_norm="norm",
        causal=True,
    ),
)


def family_of(model_type: str) -> Family | None:
    """The family of a configuration's `model_type`, None where it is not listed."""
    for family in FAMILIES:
        if model_type in family.model_types:
            return family
    return None
