"""Real model, real data: training from the store is training the full model with its first layers frozen.

Both sides take the same steps, dropout off in what is frozen; in one case it is on above, drawn by seed and
step. The activations of the store were computed in other batches, and may be rounded.
"""

import os
from pathlib import Path

import numpy as np
import pytest

from actstore.schema.refs import layer_site
from actstore.store import catalog, names
from actstore.store.root import open_root
from actstore.store.source import StoreSource
from analyses.tuning.build import build_model
from analyses.tuning.settings import TrainSettings
from analyses.tuning.tasks.registry import task_of
from analyses.tuning.training import Training
from analyses.tuning.trunk.spec import TrunkSpec
from jobs.training.score_work import RunActivations
from jobs.training.tables import corpus_tables
from tests.support.commands import ALONE, Here

STUDY = """
store = "store"

[extract]
dtype = "{dtype}"
sites = ["{site}"]
pairs = "all"

[[checkpoint]]
name = "base"
model = "{model}"

[[corpus]]
name = "slice"
path = "{path}"
format = "{format}"
limit = {limit}
max_length = 192
"""
DATA = {
    "dep": ("ud_ewt/en_ewt-ud-dev.conllu", "conllu", 96),
    "mnli": ("mnli_1k/mnli_matched", "mnli", 96),
    "squad": ("squad_format/xquad.en.json", "squad", 24),
}
# Largest relative difference of a step's loss. float32: sums in another order, grown through the steps;
# float16 keeps 11 bits of each activation.
TOLERANCE = {"float32": 2e-5, "float16": 2e-3}


def place(variable: str) -> Path:
    if variable not in os.environ:
        pytest.skip(f"{variable} is not set")
    return Path(os.environ[variable])


@pytest.mark.data
@pytest.mark.models
@pytest.mark.slow
@pytest.mark.parametrize(
    ("task", "k", "dtype", "dropout"),
    [("mnli", 3, "float32", 0.1), ("dep", 4, "float16", 0.0), ("squad", 2, "float32", 0.0)],
)
def test_losses_step_by_step(
    here: Here, tmp_path: Path, task: str, k: int, dtype: str, dropout: float
) -> None:
    data_folder, models = place("ACTSTORE_DATA"), place("ACTSTORE_MODELS")
    path, format_, limit = DATA[task]
    model = models / "all-MiniLM-L6-v2"
    text = STUDY.format(
        dtype=dtype, site=layer_site(k), model=model, path=data_folder / path, format=format_, limit=limit
    )
    (tmp_path / "study.toml").write_text(text)
    assert here("extract", tmp_path / "study.toml", *ALONE).code == 0

    objects = open_root(str(tmp_path / "store"))
    (run,) = catalog.list_runs(objects)
    kind = task_of(task)
    data = kind.data(corpus_tables(objects, task, names.corpus(objects, "slice"), run.spec.tokens_id))
    settings = TrainSettings(
        epochs=2,
        learning_rate=1e-4,
        batch_size=16,
        head_rate=5.0,
        dropout=dropout,
        head_dropout=dropout,
        seed=3,
    )
    stored = RunActivations(StoreSource(objects.url), run.run_id, layer_site(k))
    steps = {}
    for from_store in (True, False):
        spec = TrunkSpec(folder=model, n_frozen=k, from_store=from_store)
        training = Training(
            build_model(spec, kind, data, settings),
            data,
            settings,
            activations=stored if from_store else None,
        )
        steps[from_store] = [(step.loss, step.gradient_norm) for step in training]
    assert len(steps[True]) == training.n_steps >= 2
    np.testing.assert_allclose(steps[True], steps[False], rtol=TOLERANCE[dtype])
    assert steps[True][-1][0] < steps[True][0][0]  # it does train
