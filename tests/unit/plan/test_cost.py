"""Costs: sizes from configurations, speeds from receipts or operations, the verdict, and refusals."""

import pytest

from actstore.plan.cost import (
    CPU_FLOPS,
    AssumedTokens,
    Kind,
    Measured,
    ModelSize,
    assumed_tokens,
    model_size,
    pays_from,
    refusals,
    speed,
)

BERT = {"model_type": "bert", "intermediate_size": 3072, "vocab_size": 30522}
KIND = Kind(family="bert", n_layers=12, width=768, compute_dtype="float32")


def test_the_size_of_bert_base() -> None:
    size = model_size(BERT, 12, 768)
    assert size.parameters == pytest.approx(108.9e6, rel=0.02)  # without pooler and positions
    assert size.forward_flops(0) == 2 * 12 * size.layer_parameters
    assert size.forward_flops(512) > size.forward_flops(0)


def test_sizes_that_a_configuration_does_not_state() -> None:
    assert model_size({}, 2, 8).inner == 32
    assert model_size({"n_inner": None, "model_type": "gpt2"}, 2, 8).inner == 32
    gated = model_size({"model_type": "llama", "intermediate_size": 16}, 2, 8)
    assert gated.layer_parameters == 4 * 64 + 3 * 8 * 16


def test_sizes_by_hand() -> None:
    """Two layers of 3 units with 5 within and 7 words: four square matrices, two or three others."""
    plain = ModelSize(n_layers=2, width=3, inner=5, vocabulary=7, gated=False)
    assert plain.layer_parameters == 36 + 30
    assert plain.parameters == 132 + 21
    assert plain.forward_flops(11.0) == 2 * (132 + 4 * 3 * 11)
    assert ModelSize(n_layers=2, width=3, inner=5, vocabulary=7, gated=True).layer_parameters == 36 + 45
    assert model_size({"vocab_size": "many"}, 2, 3).vocabulary == 0
    assert model_size({"vocab_size": 7, "model_type": "bert"}, 2, 3) == ModelSize(
        n_layers=2, width=3, inner=12, vocabulary=7, gated=False
    )


@pytest.mark.parametrize(
    ("n_words", "n_examples", "expected"),
    [
        (0, 0, AssumedTokens(n_tokens=0, n_rows=100)),
        (10, 1, AssumedTokens(n_tokens=15, n_rows=100)),
        (11, 1, AssumedTokens(n_tokens=17, n_rows=100)),  # 14.3 words' tokens are 15
        (59, 11, AssumedTokens(n_tokens=99, n_rows=100)),
        (60, 11, AssumedTokens(n_tokens=100, n_rows=200)),  # a hundredth of the rows stays empty
        (1000, 100, AssumedTokens(n_tokens=1500, n_rows=1600)),
    ],
)
def test_tokens_where_there_is_no_tokenizer(n_words: int, n_examples: int, expected: AssumedTokens) -> None:
    assert assumed_tokens(n_words, n_examples, 100) == expected


def measured(n_tokens: int, seconds: float, device: str = "cpu", **kind: object) -> Measured:
    fields = {"family": "bert", "n_layers": 12, "width": 768, "compute_dtype": "float32", **kind}
    return Measured(kind=Kind(**fields), device=device, n_tokens=n_tokens, seconds=seconds)  # type: ignore[arg-type]


def test_only_receipts_of_the_same_kind_count() -> None:
    others = [measured(10**6, 1.0, width=1024), measured(10**6, 1.0, compute_dtype="bfloat16"),
              measured(10**6, 1.0, family="gpt2"), measured(10**6, 1.0, n_layers=6)]  # fmt: skip
    size = model_size(BERT, 12, 768)
    estimated = speed(size, KIND, 20.0, others)
    assert estimated.source == "estimated"
    assert estimated.tokens_per_second == CPU_FLOPS / size.forward_flops(20.0)
    assert "40 GFLOP/s" in estimated.note
    found = speed(size, KIND, 20.0, [*others, measured(100, 1.0), measured(500, 2.0)])
    assert (found.source, found.tokens_per_second) == ("measured", 200.0)
    assert found.seconds(400) == 2.0


def test_the_device_that_did_most_is_taken_and_named() -> None:
    found = speed(model_size(BERT, 12, 768), KIND, 20.0, [measured(100, 1.0), measured(9000, 1.0, "A100")])
    assert found.tokens_per_second == 9000
    assert "A100" in found.note
    assert (
        "cpu"
        in speed(model_size(BERT, 12, 768), KIND, 20.0, [measured(3, 1.0, "A100"), measured(9, 9.0)]).note
    )


@pytest.mark.parametrize("nothing", [measured(0, 1.0), measured(5, 0.0)])
def test_a_receipt_without_tokens_or_time_tells_no_speed(nothing: Measured) -> None:
    assert speed(model_size(BERT, 12, 768), KIND, 20.0, [nothing]).source == "estimated"
    assert speed(model_size(BERT, 12, 768), KIND, 20.0, [measured(1, 0.5), nothing]).tokens_per_second == 2.0


@pytest.mark.parametrize(
    ("forward", "read", "expected"),
    [(10.0, 1.0, 2), (10.0, 5.0, 3), (10.0, 9.0, 11), (10.0, 0.0, 2), (1.0, 1.0, None), (1.0, 2.0, None)],
)
def test_from_which_analysis_storing_pays(forward: float, read: float, expected: int | None) -> None:
    assert pays_from(forward, read) == expected
    if expected is not None:
        assert forward + expected * read < expected * forward
        assert forward + (expected - 1) * read >= (expected - 1) * forward


def test_what_does_not_fit_is_refused_and_the_unknown_is_not() -> None:
    fits = {"needed_bytes": 10.0, "free_bytes": 10.0, "worker_bytes": 5.0, "machine_bytes": 5.0}
    assert refusals(**fits) == []
    assert refusals(needed_bytes=1e30, free_bytes=None, worker_bytes=1e30, machine_bytes=None) == []
    (disk,) = refusals(**{**fits, "free_bytes": 9.0})
    assert "another disk" in disk
    (memory,) = refusals(**{**fits, "machine_bytes": 4.0})
    assert "a worker needs" in memory
    both = refusals(needed_bytes=3.5e9, free_bytes=2.25e9, worker_bytes=7.5e9, machine_bytes=4.125e9)
    assert "the missing shards take 3.50 GB, the store's disk has 2.25 GB free" in both[0]
    assert "a worker needs up to 7.50 GB of memory, this machine has 4.12 GB" in both[1]
