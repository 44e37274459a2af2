"""Families: what each architecture has below its layers, and which can not start from a layer's output."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from actstore.errors import ModelError


@dataclass(frozen=True, slots=True, kw_only=True)
class TrunkFamily:
    """One architecture. Paths are of modules of the model without head (AutoModel)."""

    model_types: tuple[str, ...]
    """Values of the configuration's `model_type`."""
    layers: str
    """Path of the list of layers."""
    prefixes: tuple[str, ...]
    """What a model with a head puts before its tensors' names."""
    replaced: Mapping[str, str]
    """Modules below layer 1 by what stands for them where stored activations come in: trunk.given."""
    embedding: str
    """Path of the table of token embeddings."""
    final_norm: str | None = None
    takes_segments: bool = False
    causal: bool = False
    n_layers_field: str = "num_hidden_layers"
    width_field: str = "hidden_size"
    dropout_fields: tuple[str, ...] = ("hidden_dropout_prob", "attention_probs_dropout_prob")
    pooler: str | None = None
    """Name of the pooler's linear layer in a checkpoint, below the prefix."""
    old_names: Mapping[str, str] = field(
        default_factory=lambda: {"LayerNorm.gamma": "LayerNorm.weight", "LayerNorm.beta": "LayerNorm.bias"}
    )
    """Ends of names as early checkpoints write them."""


FAMILIES: tuple[TrunkFamily, ...] = (
    TrunkFamily(
        model_types=("bert",),
        layers="encoder.layer",
        prefixes=("bert.",),
        replaced={"embeddings": "given"},
        embedding="embeddings.word_embeddings",
        takes_segments=True,
        pooler="pooler.dense",
    ),
    TrunkFamily(
        model_types=("roberta", "xlm-roberta", "camembert"),
        layers="encoder.layer",
        prefixes=("roberta.",),
        replaced={"embeddings": "given"},
        embedding="embeddings.word_embeddings",
        pooler="pooler.dense",
    ),
    TrunkFamily(
        model_types=("distilbert",),
        layers="transformer.layer",
        prefixes=("distilbert.",),
        replaced={"embeddings": "given"},
        embedding="embeddings.word_embeddings",
        n_layers_field="n_layers",
        width_field="dim",
        dropout_fields=("dropout", "attention_dropout"),
    ),
    TrunkFamily(
        model_types=("gpt2",),
        layers="h",
        prefixes=("transformer.",),
        replaced={"wte": "unused", "wpe": "zero", "drop": "same"},
        embedding="wte",
        final_norm="ln_f",
        causal=True,
        n_layers_field="n_layer",
        width_field="n_embd",
        dropout_fields=("resid_pdrop", "embd_pdrop", "attn_pdrop"),
    ),
    TrunkFamily(
        model_types=("gpt_neox",),
        layers="layers",
        prefixes=("gpt_neox.",),
        replaced={"embed_in": "unused", "emb_dropout": "same"},
        embedding="embed_in",
        final_norm="final_layer_norm",
        causal=True,
        dropout_fields=("hidden_dropout", "attention_dropout"),
    ),
    TrunkFamily(
        model_types=("llama", "mistral", "qwen2", "qwen3"),
        layers="layers",
        prefixes=("model.",),
        replaced={"embed_tokens": "unused"},
        embedding="embed_tokens",
        final_norm="norm",
        causal=True,
        dropout_fields=("attention_dropout",),
    ),
)

_SHARED_POSITIONS = "its relative positions are computed once and shared by all layers"
REFUSED: Mapping[str, str] = {
    "albert": "its layers share one set of weights, so that freezing one freezes all",
    "t5": f"{_SHARED_POSITIONS}, from weights of layer 1",
    "mt5": f"{_SHARED_POSITIONS}, from weights of layer 1",
    "deberta": f"{_SHARED_POSITIONS}, from an embedding outside them",
    "deberta-v2": f"{_SHARED_POSITIONS}, from an embedding outside them",
    "mpnet": f"{_SHARED_POSITIONS}, from an embedding outside them",
}
"""Architectures in which a layer's output is not all that the layers above it need."""


def trunk_family(model_type: str) -> TrunkFamily:
    """The family of a configuration's `model_type`. Raises ModelError for one that can not be trained."""
    for family in FAMILIES:
        if model_type in family.model_types:
            return family
    known = ", ".join(name for family in FAMILIES for name in family.model_types)
    why = REFUSED.get(model_type, "it is not listed in analyses/tuning/trunk/families.py")
    raise ModelError(
        f"model type {model_type!r} can not be trained from its layers: {why}; allowed are {known}"
    )
