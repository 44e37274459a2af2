"""The same promises on real weights: needs the demo models in ACTSTORE_MODELS."""

import os
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoModel, AutoTokenizer

from actstore.capture.checkpoint import describe
from actstore.capture.extractor import load_extractor
from actstore.capture.sites import choose_sites
from actstore.capture.source import CheckpointSource
from actstore.capture.tokenize import tokenize
from actstore.capture.tokenizer import load_tokenizer
from actstore.plan.batching import batches
from actstore.schema.text import Example
from actstore.schema.tokens import TokenBatch, TokenSettings

pytestmark = pytest.mark.models
NAMES = ("all-MiniLM-L6-v2", "sre-MiniLM-L6", "bert-tiny-splade")
TEXTS = (
    "The trophy didn't fit into the suitcase because it was too large.",
    "Yes.",
    "An alert fired at 03:12 UTC; the pod was OOM-killed, restarted and killed again.",
    "naïve café \U0001f680 你好 e\u0301",
    "What happens to embeddings during fine-tuning? " * 12,
)


def model_folder(name: str) -> Path:
    root = os.environ.get("ACTSTORE_MODELS")
    if not root or not (Path(root) / name).is_dir():
        pytest.skip(f"needs {name} in the folder ACTSTORE_MODELS")
    return Path(root) / name


@pytest.mark.parametrize("name", NAMES)
def test_stored_rows_equal_a_plain_forward_of_each_text(name):
    folder = model_folder(name)
    source = CheckpointSource(name=name, model=str(folder))
    sites = choose_sites("all", describe(source))
    examples = [Example(source_id=str(i), text=text, words=()) for i, text in enumerate(TEXTS)]
    (chunk,) = tokenize(examples, load_tokenizer(folder), TokenSettings(max_length=128), 4096)
    ids = chunk.tokens.column("token_id").to_numpy()
    length_S = chunk.sequences.column("n_tokens").to_numpy()
    offset_S1 = np.concatenate([[0], np.cumsum(length_S)])
    values = forward_in_batches(load_extractor(source, sites, device="cpu"), ids, offset_S1, sites)

    plain_tokens = AutoTokenizer.from_pretrained(folder)
    model = AutoModel.from_pretrained(folder, attn_implementation="eager", add_pooling_layer=False).eval()
    for position, text in enumerate(TEXTS):
        inputs = plain_tokens(text, truncation=True, max_length=128, padding=False, return_tensors="pt")
        with torch.no_grad():
            states = model(**inputs, output_hidden_states=True).hidden_states
        mine = slice(offset_S1[position], offset_S1[position + 1])
        np.testing.assert_array_equal(ids[mine], inputs["input_ids"][0].numpy())
        for site, state in zip(sites, states, strict=True):
            np.testing.assert_allclose(values[site][mine], state[0].numpy(), atol=3e-5, err_msg=site)


def forward_in_batches(extractor, ids, offset_S1, sites):
    length_S = np.diff(offset_S1)
    out = {site: np.empty((len(ids), extractor.info.widths[0]), np.float32) for site in sites}
    for positions in batches(length_S, 300):
        taken = np.concatenate([np.arange(offset_S1[i], offset_S1[i + 1]) for i in positions])
        batch = TokenBatch(
            token_id_T=ids[taken].astype(np.int32),
            segment_T=np.zeros(len(taken), np.int8),
            offset_N1=np.concatenate([[0], np.cumsum(length_S[positions])]),
        )
        for site, value in extractor.forward(batch).items():
            out[site][taken] = value
    return out


def test_three_models_of_one_vocabulary_have_one_tokenizer_and_three_trunks():
    refs = [describe(CheckpointSource(name=name, model=str(model_folder(name)))) for name in NAMES]
    assert len({ref.tokenizer_sha256 for ref in refs}) == 1
    assert len({ref.trunk_sha256 for ref in refs}) == 3
    assert [(ref.n_layers, ref.width, ref.max_positions) for ref in refs] == [
        (6, 384, 512),
        (6, 384, 512),
        (2, 128, 512),
    ]


def test_saving_a_real_model_again_keeps_its_identity(tmp_path):
    folder = model_folder("all-MiniLM-L6-v2")
    AutoModel.from_pretrained(folder, add_pooling_layer=False).save_pretrained(tmp_path)
    AutoTokenizer.from_pretrained(folder).save_pretrained(tmp_path)
    first, second = (describe(CheckpointSource(name="m", model=str(path))) for path in (folder, tmp_path))
    assert first.trunk_sha256 == second.trunk_sha256
    assert first.tokenizer_sha256 == second.tokenizer_sha256
