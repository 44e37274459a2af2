"""Model: a checkpoint loaded as its trunk alone, ready to be hooked. Never runs code that comes with it."""

import importlib.util
import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias

import torch

from actstore.capture.config import initializer_range, read_config
from actstore.capture.initial import draw_weights
from actstore.capture.source import CheckpointSource
from actstore.capture.weights import weight_files
from actstore.errors import ModelError

Trunk: TypeAlias = Any
"""transformers.PreTrainedModel, which has no types here."""
_WRONG = (OSError, ValueError, KeyError, TypeError, AttributeError, ImportError, RuntimeError)


def load_model(
    source: CheckpointSource, folder: Path, dtype: torch.dtype, attention: str, *, spread: bool = False
) -> Trunk:
    """The trunk in evaluation mode, without gradients, on the CPU.

    `spread`: over all GPUs that the process sees, for a model that one does not hold (never run on GPUs).
    Where a family does not know the attention asked for, it gets 'eager'. Raises ModelError.
    """
    _check_spread(source, spread=spread)
    from transformers import AutoConfig

    try:
        config = AutoConfig.from_pretrained(folder, trust_remote_code=False, local_files_only=True)
        kind = _model_class(config)
        options: dict[str, Any] = {"attn_implementation": _attention(kind, attention)}
        if "add_pooling_layer" in inspect.signature(kind.__init__).parameters:
            options["add_pooling_layer"] = False
        if source.init == "random":
            model = _initial(kind, config, options, source.seed, initializer_range(read_config(folder)))
        else:
            spreading = {"device_map": "auto"} if spread else {}
            model = _pretrained(kind, source, folder, config, {**options, **spreading, "dtype": dtype})
    except _WRONG as error:
        if isinstance(error, ModelError):
            raise
        raise ModelError(
            f"checkpoint {source.name!r} ({folder}) can not be loaded: {_first_paragraph(error)} Code that "
            "comes with a model is never run; save it again with this version of transformers"
        ) from error
    model.config.output_hidden_states = model.config.output_attentions = False
    # One that is spread is of that dtype already, and must not be moved.
    return (model if spread else model.to(dtype)).eval().requires_grad_(False)


@contextmanager
def quiet() -> Iterator[None]:
    """No progress bars and no reports on heads that are left out: what is missing is refused, not logged."""
    from transformers.utils import logging as untyped

    logging: Any = untyped
    verbosity, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if bars:
            logging.enable_progress_bar()


def pad_id(model: Trunk) -> int:
    """The token to pad with; any will do where the model names none, as padding is never attended to."""
    found = getattr(model.config, "pad_token_id", None)
    return found if isinstance(found, int) and found >= 0 else 0


def _check_spread(source: CheckpointSource, *, spread: bool) -> None:
    if spread and source.init == "random":
        raise ModelError(
            f'checkpoint {source.name!r}: init = "random" is drawn on one device; leave out gpus_per_worker'
        )
    if spread and importlib.util.find_spec("accelerate") is None:
        raise ModelError(
            "gpus_per_worker above 1 needs the package accelerate on every worker: pip install accelerate"
        )


def _model_class(config: Any) -> Any:
    from transformers import AutoModel

    try:
        kind = AutoModel._model_mapping[type(config)]
    except KeyError:
        raise ModelError(
            f"model type {config.model_type!r} has no model without head in transformers"
        ) from None
    return kind[0] if isinstance(kind, tuple) else kind


def _first_paragraph(error: Exception) -> str:
    """What the library says, without its advice on installing itself; ends with a full stop."""
    return str(error).strip().partition("\n\n")[0].rstrip(".") + "."


def _attention(kind: Any, attention: str) -> str:
    return "eager" if attention == "sdpa" and not getattr(kind, "_supports_sdpa", False) else attention


def _initial(kind: Any, config: Any, options: dict[str, Any], seed: int, sigma: float) -> Trunk:
    with torch.random.fork_rng(devices=[]):
        model: Trunk = kind._from_config(config, dtype=torch.float32, **options)
    draw_weights(model, seed, sigma)
    return model


def _pretrained(
    kind: Any, source: CheckpointSource, folder: Path, config: Any, options: dict[str, Any]
) -> Trunk:
    files = weight_files(folder, allow_pickle=source.allow_pickle)
    with quiet():
        model, report = kind.from_pretrained(
            folder,
            config=config,
            use_safetensors=files[0].suffix == ".safetensors",
            local_files_only=True,
            output_loading_info=True,
            **options,
        )
    lacking = sorted(name for name in report["missing_keys"] if "pooler" not in name)
    if lacking or report["mismatched_keys"]:
        names = lacking or [str(entry[0]) for entry in report["mismatched_keys"]]
        raise ModelError(
            f"checkpoint {source.name!r} ({folder}): the weights lack or misfit {len(names)} tensors of "
            f"{type(model).__name__} ({', '.join(names[:3])}); its config.json and its weights do not belong "
            "together"
        )
    return model
