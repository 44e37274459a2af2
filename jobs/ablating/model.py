"""ReadyPoint: the layers above a point's start, its head and its data, in a worker."""

from dataclasses import dataclass

import torch

from actstore.capture.source import resolve
from analyses.tuning.build import build_model
from analyses.tuning.features import Activations, TaskData
from analyses.tuning.model import TaskModel
from analyses.tuning.scoring import score
from analyses.tuning.settings import TrainSettings
from analyses.tuning.state import TrainState
from analyses.tuning.tasks.registry import task_of
from analyses.tuning.tasks.tables import CorpusTables
from analyses.tuning.tasks.task import HeadOptions, Scores, Task
from analyses.tuning.training import Training
from analyses.tuning.trunk.spec import TrunkSpec
from jobs.ablating.request import PointRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadyPoint:
    """Everything that is loaded."""

    model: TaskModel
    task: Task
    data: TaskData
    settings: TrainSettings
    device: torch.device
    threads: int

    def training(self, activations: Activations | None, state: TrainState | None) -> Training:
        """A training from the beginning, or from a state."""
        return Training(
            self.model, self.data, self.settings, device=self.device, activations=activations, state=state
        )

    def score(self, dev: CorpusTables, activations: Activations | None) -> Scores:
        """The task's metrics of the trained model."""
        labels = getattr(self.model.head.spec, "labels", None)
        data = self.task.data(dev, labels)
        return score(self.model, self.task, data, device=self.device, activations=activations)


def ready_point(request: PointRequest, train: CorpusTables, threads: int, device: str) -> ReadyPoint:
    """Build and load what is trained, and nothing below it. Raises ModelError, CorpusError."""
    torch.set_num_threads(threads)
    task, settings = task_of(request.task), TrainSettings.from_dict(request.settings)
    data = task.data(train)
    spec = TrunkSpec(
        folder=resolve(request.start),
        n_frozen=request.point.n_frozen,
        keep_layers=request.point.keep_layers,
    )
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    return ReadyPoint(
        model=build_model(spec, task, data, settings, HeadOptions(**request.head_options)),
        task=task,
        data=data,
        settings=settings,
        device=torch.device(device),
        threads=threads,
    )
