"""Ready: a model and its data in a worker, to train from the beginning or from a state."""

import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from actstore.capture.config import read_config
from actstore.capture.source import resolve
from actstore.capture.tokenizer import load_tokenizer, mask_id
from actstore.store.objects import Objects
from analyses.tuning.build import build_model
from analyses.tuning.features import TaskData
from analyses.tuning.model import TaskModel
from analyses.tuning.settings import TrainSettings
from analyses.tuning.state import TrainState
from analyses.tuning.tasks.registry import task_of
from analyses.tuning.tasks.task import HeadOptions, Task
from analyses.tuning.training import Training
from analyses.tuning.trunk.spec import TrunkSpec
from jobs.training.request import TrainRequest
from jobs.training.tables import corpus_tables


@dataclass(slots=True, kw_only=True)
class Ready:
    """Everything that is loaded."""

    request: TrainRequest
    folder: Path
    """Configuration and, unless it starts from random weights, weights of the start."""
    tokenizer: Path
    """Where the start's tokenizer lies."""
    task: Task
    data: TaskData
    settings: TrainSettings
    device: torch.device
    threads: int
    model: TaskModel | None = None

    def training(self, state: TrainState | None) -> Training:
        """A training from a state, or from the beginning with fresh weights."""
        self.model = build_model(
            TrunkSpec(
                folder=self.folder,
                n_frozen=self.request.frozen_layers,
                from_store=False,
                random_seed=self._random_seed,
            ),
            self.task,
            self.data,
            self.settings,
            HeadOptions(**self.request.head_options),
        )
        return Training(self.model, self.data, self.settings, device=self.device, state=state)

    @property
    def _random_seed(self) -> int | None:
        if self.request.starts_random:
            return self.request.seed
        return self.request.start.seed if self.request.start.init == "random" else None


@contextmanager
def make_ready(objects: Objects, request: TrainRequest, threads: int, device: str) -> Iterator[Ready]:
    """Load the corpus and find the start's files. Raises ModelError, CorpusError."""
    torch.set_num_threads(threads)
    start = resolve(request.start)
    task = make_task(request, start)
    with tempfile.TemporaryDirectory(prefix="actstore-train-") as scratch:
        yield Ready(
            request=request,
            folder=_with_architecture(start, request.architecture, Path(scratch)),
            tokenizer=start,
            task=task,
            data=task.data(corpus_tables(objects, request.task, request.train.ref, request.train.tokens_id)),
            settings=TrainSettings.from_dict(request.settings),
            device=_device(device),
            threads=threads,
        )


def make_task(request: TrainRequest, start: Path) -> Task:
    """The task; for masked tokens with the tokenizer's mask."""
    if request.task != "mlm":
        return task_of(request.task)
    tokenizer = load_tokenizer(start)
    vocabulary = tokenizer.backend.get_vocab_size(with_added_tokens=True)
    return task_of("mlm", mask_id=mask_id(tokenizer), vocabulary=vocabulary)


def _with_architecture(start: Path, fields: dict[str, int], scratch: Path) -> Path:
    """The start itself, or a folder with its configuration changed."""
    if not fields:
        return start
    config: dict[str, Any] = {**read_config(start), **fields}
    (scratch / "config.json").write_text(json.dumps(config), encoding="utf-8")
    return scratch


def _device(name: str) -> torch.device:
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    return torch.device(name)


def environment(device: torch.device, threads: int) -> dict[str, Any]:
    """What may change last bits."""
    return {
        "torch": torch.__version__,
        "device": str(device),
        "threads": threads,
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
        "deterministic": os.environ.get("CUBLAS_WORKSPACE_CONFIG", ""),
    }
