"""TorchExtractor: a loaded checkpoint that turns batches of tokens into activations."""

import threading
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import torch
import transformers

from actstore.capture.config import max_positions, n_layers, read_config
from actstore.capture.families import Family, family_of
from actstore.capture.hooks import find_layers, install, keep_layers
from actstore.capture.model import Trunk, load_model, pad_id
from actstore.capture.padding import pad
from actstore.capture.selfcheck import check_hooks, run
from actstore.capture.sites import check_sites
from actstore.capture.source import CheckpointSource, resolve
from actstore.capture.transfer import Transfer
from actstore.errors import CapacityError, ModelError, RequestError
from actstore.schema.ports import ExtractorInfo
from actstore.schema.refs import site_layer
from actstore.schema.spec import COMPUTE_DTYPES
from actstore.schema.tokens import TokenBatch

ATTENTIONS = ("sdpa", "eager")
DEVICES = ("auto", "cpu", "cuda")


class TorchExtractor:
    """schema.ports.Extractor over a hooked model. Safe to call from several threads, one at a time runs."""

    def __init__(
        self, model: Trunk, family: Family | None, info: ExtractorInfo, max_length: int | None
    ) -> None:
        self._model: Trunk | None = model
        self._info = info
        self._transfer = Transfer(model.device)
        self._lock = threading.Lock()
        self._max_length = max_length
        self._n_ids = model.get_input_embeddings().num_embeddings
        self._pad_id = pad_id(model)
        self._segments = _takes_segments(model, family)
        self._needs_mask = family is None or not family.causal
        self._threads = int(info.environment["threads"])

    @property
    def info(self) -> ExtractorInfo:
        return self._info

    def take(self, site: str, value: torch.Tensor) -> None:
        """What the hooks call with each site's [N, longest, D]."""
        self._transfer.take(site, value)

    def forward(self, batch: TokenBatch) -> Mapping[str, npt.NDArray[np.float32]]:
        """Each site's activations [T, D], float32, of the batch's tokens in order, without padding.

        Raises ModelError for tokens or lengths that the model has no embedding for, CapacityError when memory
        does not suffice.
        """
        self._check(batch)
        with self._lock:
            if self._model is None:
                raise ModelError("this extractor is closed; load the checkpoint again")
            if torch.get_num_threads() != self._threads:
                torch.set_num_threads(self._threads)  # a thread that is new has torch's default
            try:
                return self._run(self._model, batch)
            except (torch.OutOfMemoryError, MemoryError):
                self._transfer.drop()
            except RuntimeError as error:
                if "allocate memory" not in str(error):
                    raise
                self._transfer.drop()
            # Outside of the handlers, whose error holds what the model had computed.
            raise _too_large(batch)

    def close(self) -> None:
        """Give the model's memory back."""
        with self._lock:
            self._model = None

    def _run(self, model: Trunk, batch: TokenBatch) -> Mapping[str, npt.NDArray[np.float32]]:
        padded = pad(batch, pad_id=self._pad_id, segments=self._segments, device=model.device)
        self._transfer.begin(padded.places)
        run(model, padded if self._needs_mask else padded.without_mask())
        return self._transfer.finish()

    def _check(self, batch: TokenBatch) -> None:
        longest = int(np.diff(batch.offset_N1).max())
        if self._max_length is not None and longest > self._max_length:
            raise ModelError(
                f"a sequence of {longest} tokens is longer than the model's {self._max_length} positions; "
                "tokenise with a smaller max_length"
            )
        if int(batch.token_id_T.max()) >= self._n_ids or int(batch.token_id_T.min()) < 0:
            raise ModelError(
                f"token ids up to {int(batch.token_id_T.max())} for a model with {self._n_ids}; its "
                "tokenizer and its weights do not belong together"
            )


def load_extractor(
    source: CheckpointSource,
    sites: Sequence[str],
    *,
    compute_dtype: str = "float32",
    attention: str = "sdpa",
    threads: int = 1,
    device: str = "auto",
    n_gpus: int = 1,
) -> TorchExtractor:
    """Load a checkpoint, hook the sites, and check the hooks on one short text.

    `n_gpus` above 1 spreads the model over the GPUs that this process sees; on a machine without any it stays
    on the CPU.
    Raises ModelError where it can not be loaded or hooked, or has not such a site; RequestError for an option
    that can not be.
    """
    for name, value, allowed in (
        ("compute_dtype", compute_dtype, COMPUTE_DTYPES),
        ("attention", attention, ATTENTIONS),
        ("device", device, DEVICES),
    ):
        if value not in allowed:
            raise RequestError(f"{name} = {value!r}: allowed are {', '.join(allowed)}")
    torch.set_num_threads(threads)
    folder = resolve(source)
    config = read_config(folder)
    family = family_of(config["model_type"])
    check_sites(sites, n_layers(config), config["model_type"])
    dtype, spread = getattr(torch, compute_dtype), n_gpus > 1
    model = load_model(source, folder, dtype, attention, spread=spread)
    if not spread:
        model = model.to(_device(device))
    try:
        path, layers = find_layers(model, family, n_layers(config))
        widths = check_hooks(model, layers, family, sites)
    except ModelError as error:
        raise ModelError(f"checkpoint {source.name!r} ({folder}): {error}") from error
    info = ExtractorInfo(
        sites=tuple(sites),
        widths=tuple(widths[site] for site in sites),
        environment=_environment(model, threads, compute_dtype),
    )
    extractor = TorchExtractor(model, family, info, max_positions(config))
    install(model, layers, family, sites, extractor.take)
    if family is not None and "final" not in sites:
        keep_layers(model, path, layers, max(1, *(site_layer(site) or 0 for site in sites)))
    return extractor


def _environment(model: Trunk, threads: int, compute_dtype: str) -> dict[str, str | int]:
    """What may change the last bits of a value."""
    on_gpu = model.device.type == "cuda"
    return {
        "torch": torch.__version__,
        "transformers": transformers.__version__,
        "device": torch.cuda.get_device_name(model.device) if on_gpu else "cpu",
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
        "threads": threads,
        "attention": str(model.config._attn_implementation),
        "compute_dtype": compute_dtype,
    }


def _device(device: str) -> torch.device:
    has_gpu = torch.cuda.is_available()
    if device == "cuda" and not has_gpu:
        raise ModelError('device = "cuda": torch sees no GPU here; choose "cpu" or "auto"')
    return torch.device("cuda" if has_gpu and device != "cpu" else "cpu")


def _takes_segments(model: Trunk, family: Family | None) -> bool:
    listed = True if family is None else family.takes_segments
    return listed and (getattr(model.config, "type_vocab_size", 0) or 0) > 1


def _too_large(batch: TokenBatch) -> CapacityError:
    longest = int(np.diff(batch.offset_N1).max())
    return CapacityError(
        f"memory does not suffice for a batch of {batch.n_sequences} x {longest} tokens; set a smaller "
        'tokens_per_batch, or compute_dtype = "bfloat16", under [extract]'
    )
