"""Windows of real tokenizers: every source token has its one best place."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actstore.capture.tokenizer import load_tokenizer
from tests.support.tiny_models import FAMILIES, SENTENCES, make_tiny_model
from tests.support.tokenised import ODD, example, run


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    return {family: make_tiny_model(tmp_path_factory.mktemp(family), family) for family in FAMILIES}


@pytest.fixture(scope="module")
def tokenizers(folders):
    return {family: load_tokenizer(folder) for family, folder in folders.items()}


PIECES = [*" ".join(SENTENCES).split(), "\U0001f680\u200d", "e\u0301", "\u4f60\u597d", "  "]
PROSE = st.lists(st.sampled_from(PIECES), min_size=1, max_size=60).map(" ".join)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(PROSE, st.none() | PROSE), min_size=1, max_size=4),
    st.sampled_from(["bert", "roberta", "gpt2"]),
    st.integers(1, 30),
)
def test_windows_hold_every_source_token_once_at_its_best(tokenizers, texts, family, stride):
    examples = [example(a if a.strip() else "cat", b) for a, b in texts]
    uncut, whole_words, _, _ = run(examples, tokenizers[family], block_rows=4096, max_length=4096)
    longest_a = max(sum(t["example"] == i and t["segment"] == 0 for t in uncut) for i in range(len(examples)))
    limit = longest_a + 12 if any(b is not None for _, b in texts) else 12
    tokens, words, _, counts = run(
        examples, tokenizers[family], max_length=limit, overflow="window", stride=stride
    )
    columns = ("example", "token_id", "segment", "char_start", "char_end", "special")
    best = [t for t in tokens if t["best_context"]]
    key = lambda t: tuple(str(t[c]) for c in columns)  # noqa: E731
    assert sorted(map(key, best)) == sorted(map(key, uncut))
    assert counts.n_truncated == 0
    by_example = {i: [t for t in tokens if t["example"] == i] for i in range(len(examples))}
    for row, whole in zip(words, whole_words, strict=True):
        if row["first_token"] is None:
            continue
        span = by_example[row["example"]][row["first_token"] : row["last_token"] + 1]
        assert len(span) == whole["last_token"] - whole["first_token"] + 1
        assert len({t["window"] for t in span}) == 1
        assert all(t["best_context"] and not t["special"] for t in span)


def test_throughput_is_far_above_what_a_model_needs(tokenizers):
    """A guard against quadratic work, not a benchmark: 100 kilotokens in well under the model's time."""
    import time

    text = " ".join(SENTENCES * 20)
    started = time.monotonic()
    counts = run([example(text)] * 60, tokenizers["bert"], max_length=64, overflow="window", stride=32)[3]
    assert counts.n_tokens > 100_000
    assert time.monotonic() - started < 30


def test_offsets_are_integers_within_the_text(tokenizers):
    for family in FAMILIES:
        tokens, _, _, _ = run([example(ODD)], tokenizers[family])
        spans = np.array([(t["char_start"], t["char_end"]) for t in tokens if not t["special"]])
        assert (spans[:, 0] <= spans[:, 1]).all()
        assert (spans >= 0).all()
        assert (spans <= len(ODD)).all()
