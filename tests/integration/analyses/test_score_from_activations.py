"""Real model, real data: the score from the last layer's activations is that of the whole checkpoint."""

import os
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import torch

from actstore.capture.extractor import load_extractor
from actstore.capture.source import CheckpointSource
from actstore.formats.options import ReadOptions
from actstore.formats.registry import read_examples
from actstore.schema.tokens import TokenBatch
from analyses.tuning.build import build_model
from analyses.tuning.features import ArrayActivations
from analyses.tuning.heads.files import load_head
from analyses.tuning.scoring import score
from analyses.tuning.settings import default_settings
from analyses.tuning.tasks.registry import task_of
from analyses.tuning.training import Training
from analyses.tuning.trunk.save import save_checkpoint
from analyses.tuning.trunk.spec import TrunkSpec
from tests.support.tuning_tables import tables_of

CORPORA = {
    "dep": ("conllu", "ud_ewt/en_ewt-ud-dev.conllu", 24, {}),
    "mnli": ("mnli", "mnli_1k/mnli_matched", 24, {}),
    "squad": ("squad", "squad_format/xquad.en.json", 4, {"overflow": "window", "stride": 64}),
}


def place(variable: str) -> Path:
    if variable not in os.environ:
        pytest.skip(f"{variable} is not set")
    return Path(os.environ[variable])


def last_layer(folder: Path, features, dtype) -> ArrayActivations:
    """What extraction stores of the last layer, sequence by sequence."""
    extractor = load_extractor(CheckpointSource(name="c", model=str(folder)), ["L06"])
    values = []
    for at in range(features.n_sequences):
        mine = slice(int(features.offset_S1[at]), int(features.offset_S1[at + 1]))
        length = mine.stop - mine.start
        batch = TokenBatch(
            token_id_T=features.token_id_T[mine], segment_T=features.segment_T[mine],
            offset_N1=np.array([0, length]),
        )  # fmt: skip
        values.append(extractor.forward(batch)["L06"].astype(dtype))
    extractor.close()
    value_RD = np.full((int(features.row_T.max()) + 1, values[0].shape[1]), np.nan, dtype=dtype)
    value_RD[features.row_T] = np.concatenate(values)
    return ArrayActivations(value_RD)


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.slow
@pytest.mark.data
@pytest.mark.models
@pytest.mark.parametrize("task", sorted(CORPORA))
def test_the_score_from_stored_activations_is_that_of_the_model(tmp_path, task):
    base, data_folder = place("ACTSTORE_MODELS") / "all-MiniLM-L6-v2", place("ACTSTORE_DATA")
    format, path, count, limits = CORPORA[task]
    reading = read_examples(ReadOptions(format=format, path=str(data_folder / path)))
    tables = tables_of(list(islice(reading.examples, count)), base, **{"max_length": 192, **limits})
    kind = task_of(task)
    data = kind.data(tables)
    settings = replace(default_settings(task), batch_size=4, max_steps=3, learning_rate=1e-4, head_rate=20.0)
    model = build_model(TrunkSpec(folder=base), kind, data, settings)
    losses = [step.loss for step in Training(model, data, settings)]
    assert all(np.isfinite(losses))
    whole = score(model, kind, data)
    out = tmp_path / "trained"
    out.mkdir()
    save_checkpoint(model, out)
    for dtype in (np.float32, np.float16):
        stored = last_layer(out, data.features, dtype)
        found = score(load_head(out), kind, data, activations=stored)
        assert set(found.metrics) == set(whole.metrics)
        if dtype is np.float32:
            assert found.metrics == pytest.approx(whole.metrics, abs=1e-9)
            assert found.predictions.equals(whole.predictions)
        else:
            assert found.metrics == pytest.approx(whole.metrics, abs=1.5)
