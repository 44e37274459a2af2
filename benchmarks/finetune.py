"""Training steps per second: ours and the Hugging Face Trainer's, same weights, data and task.

    python benchmarks/finetune.py [--model FOLDER] [--steps N] [--rounds N] [--task mnli|squad]

Four ways in turns within one process, one compute thread, dropout on, float32:
(a) `actstore`: analyses.tuning on its batches of like lengths;
(b) `trainer, our batches`: Trainer with the library's own model, given exactly those batches;
(c) `trainer, by length`: Trainer with its own grouping of lengths;
(d) `trainer`: Trainer as it comes, random batches padded to their longest.
Token ids are made up, with the lengths of sentence pairs (or of paragraphs with questions); all ways see the
same sequences. The clock is the process's CPU time, as all work is in its one thread: what other programs do
at the same time shows less. Ratios within one run are what counts; the machine is told with them.
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import logging
import tempfile
import time
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from common import Timing, in_turns, parser, report
from torch.utils.data import DataLoader, Dataset

from analyses.tuning.batches import epoch_batches
from analyses.tuning.build import build_model
from analyses.tuning.features import Features
from analyses.tuning.settings import TrainSettings, default_settings
from analyses.tuning.tasks.nli import LABELS, Nli, NliData
from analyses.tuning.tasks.squad import Squad
from analyses.tuning.tasks.squad_data import SquadData
from analyses.tuning.training import Training
from analyses.tuning.trunk.spec import TrunkSpec

OURS, OUR_BATCHES, BY_LENGTH, TRAINER = "actstore", "trainer, our batches", "trainer, by length", "trainer"
CLS, SEP, FIRST_WORD = 101, 102, 1000


@dataclass(frozen=True, slots=True)
class Shape:
    """Lengths of a task's sequences, as of SNLI and of SQuAD's windows."""

    first: tuple[float, float]
    second: tuple[float, float]
    longest: int


SHAPES = {"mnli": Shape((15, 6), (9, 3), 128), "squad": Shape((13, 4), (160, 60), 384)}


class Rows(Dataset):  # type: ignore[type-arg]
    """The sequences as Trainer takes them."""

    def __init__(self, data: Any) -> None:
        self._data = data
        self.length = data.features.length_S.tolist()

    def __len__(self) -> int:
        return int(self._data.features.n_sequences)

    def __getitem__(self, at: int) -> dict[str, Any]:
        features = self._data.features
        mine = slice(int(features.offset_S1[at]), int(features.offset_S1[at + 1]))
        row = {
            "input_ids": torch.from_numpy(features.token_id_T[mine].astype(np.int64)),
            "token_type_ids": torch.from_numpy(features.segment_T[mine].astype(np.int64)),
            "length": self.length[at],
        }
        if isinstance(self._data, NliData):
            return {**row, "labels": int(self._data.label_S[at])}
        places = {"start_positions": self._data.start_S, "end_positions": self._data.end_S}
        return {**row, **{name: int(value[at]) for name, value in places.items()}}


def collate(rows: list[dict[str, Any]]) -> dict[str, torch.Tensor]:
    pad = torch.nn.utils.rnn.pad_sequence
    ids = [row["input_ids"] for row in rows]
    batch = {
        "input_ids": pad(ids, batch_first=True),
        "token_type_ids": pad([row["token_type_ids"] for row in rows], batch_first=True),
        "attention_mask": pad([torch.ones_like(value) for value in ids], batch_first=True),
    }
    for name in ("labels", "start_positions", "end_positions"):
        if name in rows[0]:
            batch[name] = torch.tensor([row[name] for row in rows])
    return batch


class OurBatches(transformers.Trainer):
    """Trainer on the batches of actstore."""

    batches: list[list[int]]

    def get_train_dataloader(self) -> Any:
        return DataLoader(self.train_dataset, batch_sampler=self.batches, collate_fn=collate)


def made_up(task: str, n_sequences: int) -> Any:
    """Seeded sequences [CLS] first [SEP] second [SEP] with targets."""
    draws, shape = np.random.default_rng(0), SHAPES[task]
    ids, segments = [], []
    for _ in range(n_sequences):
        sizes = [max(3, int(draws.normal(*lengths))) for lengths in (shape.first, shape.second)]
        sizes[1] = min(sizes[1], shape.longest - 3 - sizes[0])
        words = [draws.integers(FIRST_WORD, 30000, size) for size in sizes]
        ids.append(np.concatenate([[CLS], words[0], [SEP], words[1], [SEP]]))
        segments.append(np.repeat([0, 1], [sizes[0] + 2, sizes[1] + 1]))
    offset_S1 = np.concatenate([[0], np.cumsum([len(value) for value in ids])])
    token_id_T, segment_T = np.concatenate(ids), np.concatenate(segments)
    special_T = np.isin(token_id_T, (CLS, SEP))
    features = Features(
        token_id_T=token_id_T.astype(np.int32), segment_T=segment_T.astype(np.int8), special_T=special_T,
        row_T=np.arange(len(token_id_T)), offset_S1=offset_S1, example_S=np.arange(n_sequences),
    )  # fmt: skip
    if task == "mnli":
        return NliData(features=features, label_S=draws.integers(0, 3, n_sequences), labels=LABELS)
    place_S = features.length_S - 10
    return SquadData(
        features=features, context_T=segment_T == 1, best_T=~special_T, char_start_T=features.row_T,
        char_end_T=features.row_T + 1, start_S=place_S, end_S=place_S + 2, context_of={}, question_of={},
        answers_of={},
    )  # fmt: skip


def ours(model: Path, task: str, data: Any, settings: TrainSettings) -> Training:
    kind = Nli() if task == "mnli" else Squad()
    return Training(build_model(TrunkSpec(folder=model), kind, data, settings), data, settings)


def theirs(
    model: Path, task: str, data: Any, settings: TrainSettings, folder: str, way: str
) -> transformers.Trainer:
    auto: Any = (
        transformers.AutoModelForSequenceClassification
        if task == "mnli"
        else transformers.AutoModelForQuestionAnswering
    )
    loaded = auto.from_pretrained(model, **({"num_labels": 3} if task == "mnli" else {}))
    steps = settings.max_steps or 1
    arguments = transformers.TrainingArguments(
        output_dir=folder, max_steps=steps, use_cpu=True, report_to=[], seed=0, weight_decay=0.01,
        per_device_train_batch_size=settings.batch_size, learning_rate=settings.learning_rate,
        warmup_steps=int(steps * settings.warmup), save_strategy="no", logging_strategy="no",
        disable_tqdm=True, remove_unused_columns=False, dataloader_pin_memory=False,
        **({"train_sampling_strategy": "group_by_length"} if way == BY_LENGTH else {}),
    )  # fmt: skip
    kind = OurBatches if way == OUR_BATCHES else transformers.Trainer
    trainer = kind(model=loaded, args=arguments, train_dataset=Rows(data), data_collator=collate)
    if isinstance(trainer, OurBatches):
        batches = epoch_batches(data.features.length_S, settings.batch_size, settings.seed, 0)
        trainer.batches = [batch.tolist() for batch in batches]
    trainer.remove_callback(transformers.trainer_callback.PrinterCallback)
    return trainer


def compare(model: Path, task: str, settings: TrainSettings, rounds: int) -> dict[str, Timing]:
    """Time the ways; what they train is built anew before each round, out of the timing."""
    data = made_up(task, (settings.max_steps or 1) * settings.batch_size * 4)
    made: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:

        def build(way: str) -> None:
            made[way] = (
                ours(model, task, data, settings)
                if way == OURS
                else theirs(model, task, data, settings, folder, way)
            )

        def train(way: str) -> None:
            if way == OURS:
                for _ in made.pop(way):
                    pass
            else:
                made.pop(way).train()

        def ways() -> dict[str, Callable[[], None]]:
            return {way: partial(train, way) for way in (OURS, OUR_BATCHES, BY_LENGTH, TRAINER)}

        in_turns(ways(), 1, before=build)  # what is loaded and allocated at first
        return in_turns(ways(), rounds, before=build, clock=time.process_time)


def rows(task: str, timings: Mapping[str, Timing], settings: TrainSettings) -> list[dict[str, str | float]]:
    steps, base = settings.max_steps or 1, timings[OURS]
    return [
        {
            "task": task,
            "way": name,
            "steps a CPU second, best": round(steps / timing.best_seconds, 3),
            "median": round(steps / timing.median_seconds, 3),
            "actstore's speed over it": round(timing.best_seconds / base.best_seconds, 2),
            "of medians": round(timing.median_seconds / base.median_seconds, 2),
        }
        for name, timing in timings.items()
    ]


def main() -> None:
    options = parser(__doc__)
    default = Path(os.environ.get("ACTSTORE_MODELS", "models")) / "all-MiniLM-L6-v2"
    options.add_argument("--model", type=Path, default=default)
    options.add_argument("--task", choices=sorted(SHAPES), action="append")
    options.add_argument("--steps", type=int, default=10)
    arguments = options.parse_args()
    torch.set_num_threads(1)
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    logging.disable(logging.WARNING)
    warnings.simplefilter("ignore")
    steps = 2 if arguments.small else arguments.steps
    found: list[dict[str, str | float]] = []
    for task in arguments.task or sorted(SHAPES):
        settings = replace(default_settings(task), max_steps=steps)
        found += rows(task, compare(arguments.model, task, settings, arguments.rounds), settings)
    print(report({"training": found}, arguments.model, as_json=arguments.json))


if __name__ == "__main__":
    main()
