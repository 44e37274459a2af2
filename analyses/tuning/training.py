"""Training: the loop, as an iterator over its steps, that can be left and taken up again at any of them.

Nothing it draws depends on what was drawn before: batches are a function of seed and epoch, masks and dropout
of seed and step. So a training that was interrupted gives the same weights, bit for bit, on the same device.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch

from actstore.errors import PrecisionError
from analyses.tuning.batch import Batch, make_batch
from analyses.tuning.batches import draws_of, epoch_batches, parts
from analyses.tuning.features import Activations, Ints, TaskData
from analyses.tuning.model import TaskModel
from analyses.tuning.optimiser import BertAdamW, parameter_groups
from analyses.tuning.precision import Precision
from analyses.tuning.schedule import rate_factor
from analyses.tuning.settings import TrainSettings
from analyses.tuning.state import TrainState, check_state, optimiser_tensors, take_state, trained


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of the optimiser that was done."""

    step: int
    """How many are done, this one included."""
    epoch: int
    """The epoch it was of, from 0."""
    loss: float
    """Mean over the batch's targets."""
    learning_rate: float
    gradient_norm: float
    """Before clipping."""
    n_tokens: int
    epoch_ended: bool
    save_due: bool
    """Whether the settings ask for a checkpoint now."""


class Training:
    """Trains `model` in place; iterate to go on, ask for `state()` between two steps.

    `activations`: of the base at layer k, where the trunk starts from the store. `state`: of an earlier
    training with the same settings and data, to go on from. Raises RequestError for a state of another
    training, PrecisionError when the loss is not finite any more.
    """

    def __init__(
        self,
        model: TaskModel,
        data: TaskData,
        settings: TrainSettings,
        *,
        device: torch.device | None = None,
        activations: Activations | None = None,
        state: TrainState | None = None,
    ) -> None:
        assert (activations is not None) == model.starts_from_store
        self._device = device or torch.device("cpu")
        self.model = model.to(self._device)
        self._data = data
        self.settings = settings
        self._activations = activations
        self._optimiser = BertAdamW(parameter_groups(model, settings.weight_decay, settings.head_rate))
        self._weights = list(trained(model).values())
        self._precision = Precision(settings.precision, self._device)
        self.steps_done = 0
        if state is not None:
            self._resume(state)

    @property
    def steps_per_epoch(self) -> int:
        return -(-self._data.features.n_sequences // self.settings.batch_size)

    @property
    def n_steps(self) -> int:
        """Steps of the whole training, and of its schedule."""
        n_steps = self.settings.epochs * self.steps_per_epoch
        return n_steps if self.settings.max_steps is None else min(n_steps, self.settings.max_steps)

    def __iter__(self) -> Iterator[Step]:
        """The steps that are left, each done when it is asked for."""
        while self.steps_done < self.n_steps:
            epoch, first = divmod(self.steps_done, self.steps_per_epoch)
            batches = epoch_batches(
                self._data.features.length_S, self.settings.batch_size, self.settings.seed, epoch
            )
            for sequence_N in batches[first : first + self.n_steps - self.steps_done]:
                yield self._step(sequence_N, epoch)

    def state(self) -> TrainState:
        """All that is needed to go on from here; copies, on the CPU."""
        return TrainState(
            steps_done=self.steps_done,
            n_steps=self.n_steps,
            settings=self.settings.to_dict(),
            loss_scale=self._precision.state(),
            tensors=optimiser_tensors(self.model, self._optimiser),
        )

    def _resume(self, state: TrainState) -> None:
        check_state(state, self.model, self.settings, self.n_steps)
        take_state(state, self.model, self._optimiser)
        self._precision.load(state.loss_scale)
        self.steps_done = state.steps_done

    def _step(self, sequence_N: Ints, epoch: int) -> Step:
        settings = self.settings
        devices = [self._device] if self._device.type == "cuda" else []
        with torch.random.fork_rng(devices=devices):
            torch.manual_seed(_seed(settings.seed, self.steps_done))
            batches = self._batches(sequence_N)
            self.model.train()  # whoever scored it between two steps left it without dropout
            loss = self._gradients(batches)
        factor = rate_factor(settings.schedule, self.steps_done, self.n_steps, settings.warmup)
        rate = settings.learning_rate * factor
        for group in self._optimiser.param_groups:
            group["lr"] = rate * group["rate"]
        norm = self._precision.step(self._optimiser, self._weights, settings.clip_norm)
        self.steps_done += 1
        return Step(
            step=self.steps_done,
            epoch=epoch,
            loss=loss,
            learning_rate=rate,
            gradient_norm=norm,
            n_tokens=sum(batch.n_tokens for batch in batches),
            epoch_ended=self.steps_done % self.steps_per_epoch == 0 or self.steps_done == self.n_steps,
            save_due=self.steps_done in settings.save_steps,
        )

    def _batches(self, sequence_N: Ints) -> list[Batch]:
        draws = draws_of(self.settings.seed, self.steps_done)
        return [
            make_batch(self._data, part, draws, self._device, self._activations)
            for part in parts(sequence_N, self.settings.accumulation)
        ]

    def _gradients(self, batches: list[Batch]) -> float:
        """Gradients of the mean loss over all targets of the batch; its value."""
        n_targets = max(1, sum(batch.n_targets for batch in batches))
        self._optimiser.zero_grad(set_to_none=True)
        total = 0.0
        for batch in batches:
            with self._precision.autocast():
                loss = self.model.loss(batch) / n_targets
            self._precision.backward(loss)
            total += float(loss.detach())
        if not np.isfinite(total):
            raise PrecisionError(
                f"the loss is {total} at step {self.steps_done + 1}; lower learning_rate = "
                f'{self.settings.learning_rate:g}, or set precision = "float32"'
            )
        return total


def _seed(seed: int, step: int) -> int:
    """A seed for the dropout of one step."""
    return int(np.random.SeedSequence([seed, step]).generate_state(1, np.uint64)[0] >> np.uint64(1))
