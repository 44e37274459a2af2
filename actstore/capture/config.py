"""Model configurations as their config.json has them: sizes, and the form that counts for identity."""

import json
from pathlib import Path
from typing import Any

from actstore.capture.families import family_of
from actstore.errors import ModelError

HARMLESS = frozenset((
    "architectures", "attention_dropout", "attention_probs_dropout_prob", "attn_pdrop", "auto_map",
    "bos_token_id", "classifier_dropout", "cls_token_id", "decoder_start_token_id", "dropout", "dtype",
    "embd_pdrop", "eos_token_id", "finetuning_task", "gradient_checkpointing", "hidden_dropout",
    "hidden_dropout_prob", "id2label", "initializer_range", "label2id", "mask_token_id", "num_labels",
    "output_attentions", "output_hidden_states", "problem_type", "qa_dropout", "resid_pdrop",
    "return_dict", "sep_token_id", "seq_classif_dropout", "summary_activation", "summary_first_dropout",
    "summary_hidden_size", "summary_last_dropout", "summary_proj_to_labels", "summary_type",
    "summary_use_proj", "task_specific_params", "tie_word_embeddings", "torch_dtype", "torchscript",
    "transformers_version", "use_cache"
))  # fmt: skip
"""Fields that change no activation of the trunk in evaluation: dropout, heads, names, generation."""
DEFAULTS: dict[str, Any] = {
    "add_cross_attention": False,
    "chunk_size_feed_forward": 0,
    "is_decoder": False,
    "is_encoder_decoder": False,
    "position_embedding_type": "absolute",
    "pruned_heads": {},
    "tie_encoder_decoder": False,
}
"""Fields that one version of a library writes and another leaves out; left out at this value."""
ALIASES = {
    "num_hidden_layers": ("n_layers", "n_layer", "num_layers"),
    "hidden_size": ("n_embd", "dim", "d_model"),
    "max_position_embeddings": ("n_positions", "n_ctx", "max_seq_len"),
}
"""Other names of the sizes, for families that are not listed."""


def read_config(folder: Path) -> dict[str, Any]:
    """A model folder's configuration. Raises ModelError where there is none or it names no model type."""
    path = folder / "config.json"
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ModelError(
            f"{folder} has no config.json: a model is a folder with config.json, model.safetensors and "
            "tokenizer.json; save it with `save_pretrained`"
        ) from None
    except (OSError, ValueError) as error:
        raise ModelError(f"{path} can not be read as JSON ({error}); save the model again") from error
    if not isinstance(config, dict) or not isinstance(config.get("model_type"), str):
        raise ModelError(f"{path} names no model_type; save the model with `save_pretrained`")
    return config


def n_layers(config: dict[str, Any]) -> int:
    """Number of layers. Raises ModelError where the configuration has no such field."""
    family = family_of(config["model_type"])
    return _size(config, "num_hidden_layers", family.n_layers_field if family else None)


def width(config: dict[str, Any]) -> int:
    """Units of a layer's output. Raises ModelError where the configuration has no such field."""
    family = family_of(config["model_type"])
    return _size(config, "hidden_size", family.width_field if family else None)


def max_positions(config: dict[str, Any]) -> int | None:
    """Longest sequence the model has positions for, None where its configuration states no limit."""
    family = family_of(config["model_type"])
    found = _find(config, "max_position_embeddings", family.positions_field if family else None)
    return None if found is None else found - (family.first_position if family else 0)


def canonical_config(config: dict[str, Any], *, initial: bool = False) -> dict[str, Any]:
    """The fields that decide activations, so that equal models have equal ones.

    `initial`: of a random initialisation, which depends on `initializer_range` too.
    """
    kept = {
        name: value
        for name, value in config.items()
        if not name.startswith("_")
        and name not in HARMLESS
        and value is not None
        and not (name in DEFAULTS and value == DEFAULTS[name])
    }
    return {**kept, "initializer_range": initializer_range(config)} if initial else kept


def initializer_range(config: dict[str, Any]) -> float:
    """Standard deviation of initial weights; 0.02 (BERT's) where the configuration does not say."""
    value = config.get("initializer_range")
    return 0.02 if value is None else float(value)


def _size(config: dict[str, Any], field: str, own: str | None) -> int:
    found = _find(config, field, own)
    if found is None:
        raise ModelError(
            f"the configuration of model type {config['model_type']!r} has no {field}; "
            "encoder and decoder models with one list of layers are supported"
        )
    return found


def _find(config: dict[str, Any], field: str, own: str | None) -> int | None:
    for name in (own, field, *ALIASES[field]):
        if name is not None and isinstance(config.get(name), int):
            return int(config[name])
    return None
