"""Structural probes from activations to rows: perfect embeddings, company, memory, exclusions, refusals."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest
import torch

from actstore.errors import RequestError, WorkError
from actstore.schema.ports import Unit
from analyses.probes.structural.batch import Batcher
from analyses.probes.structural.plan import (
    ProbedCheckpoint,
    SplitRun,
    StructuralBlock,
    probes_of,
    readings_of,
    units_left,
)
from analyses.probes.structural.rule import TrainingRule
from analyses.probes.structural.score_set import score_set
from analyses.probes.structural.scores import ScoreRule
from analyses.probes.structural.treebank import refuse_no_trees
from analyses.probes.structural.work import Done, StructuralWork
from tests.support.made_trees import MadeTrees, perfect_vectors, random_heads

WIDTH, LAYERS = 16, 3
SIZES = {"train": 60, "dev": 12, "test": 12}
BLOCK = StructuralBlock(
    name="made",
    kinds=("distance", "depth"),
    ranks=(None,),
    seeds=(0,),
    training=TrainingRule(epochs=12, learning_rate=1e-2),
)


def made(**more: object) -> MadeTrees:
    """Layer 0 is noise, layer 1 perfect, layer 2 perfect in a rotation with noise."""
    heads = {split: random_heads(n, seed) for seed, (split, n) in enumerate(SIZES.items())}
    rng = np.random.default_rng(7)
    turn = np.linalg.qr(rng.normal(size=(WIDTH, WIDTH)))[0].astype(np.float32)
    layers = {}
    for split, found in heads.items():
        perfect = perfect_vectors(found, WIDTH)
        noise = rng.normal(size=perfect.shape).astype(np.float32)
        layers[split] = np.stack([noise, perfect, perfect @ turn + 0.1 * noise])
    return MadeTrees(heads=heads, layers=layers, **more)


def checkpoint(source: MadeTrees, name: str = "base") -> ProbedCheckpoint:
    runs = {
        split: SplitRun(corpus=split, text_id=split, labels=f"{split}-trees", run_id=split, tokens_id=split,
                        n_words=sum(map(len, source.heads[split])))
        for split in SIZES
    }  # fmt: skip
    return ProbedCheckpoint(name=name, layers=tuple(range(LAYERS)), width=WIDTH, item_bytes=4, **runs)


def run(
    block: StructuralBlock, source: MadeTrees | None = None, *, kept_bytes: int = 2**30, **work: object
) -> dict[str, Done]:
    """Every probe of a block, by its key."""
    source = source or made()
    one = checkpoint(source)
    readings = readings_of(block, [one], kept_bytes)
    task = StructuralWork(source=source, block=block, readings=readings, device="cpu", **work)
    units = units_left(probes_of(block, [one]), readings, ())
    return {done.probe.key: done for unit in units for done in _do(task, unit)}


def _do(work: StructuralWork, unit: Unit) -> list[Done]:
    task = work.open(unit.group)
    try:
        return task.do(unit)
    finally:
        task.close()


def by_split(done: Done) -> dict[str, dict[str, object]]:
    return {row["split"]: row for row in done.rows.to_pylist()}


@pytest.mark.parametrize("kind", ["distance", "depth"])
def test_perfect_activations_in_the_identity_have_perfect_scores(kind: str) -> None:
    source = made()
    one = checkpoint(source)
    task = StructuralWork(source=source, block=BLOCK, readings=readings_of(BLOCK, [one]), device="cpu").open(
        "base-L00-L02"
    )
    data = Batcher(task.vectors["test"], kind, torch.device("cpu"))
    [score] = score_set(data, torch.eye(WIDTH)[None], (1,), ScoreRule(), keep_predictions=False).scores
    assert score.spearman == pytest.approx(1)
    assert (score.uuas, score.root_acc) == ((1, None) if kind == "distance" else (None, 1))
    assert score.n_sentences == SIZES["test"]


@pytest.fixture(scope="module")
def alone() -> Mapping[str, Done]:
    return run(BLOCK)


def test_training_finds_the_trees(alone: Mapping[str, Done]) -> None:
    for kind, other in (("distance", "uuas"), ("depth", "root_acc")):
        noise, perfect, turned = (
            by_split(alone[f"{kind}-base-r0016-s0-L0{layer}"])["test"] for layer in range(3)
        )
        assert min(perfect["spearman"], turned["spearman"]) > 0.8
        assert min(perfect[other], turned[other]) > 0.6
        assert noise["spearman"] < 0.4
        assert perfect["uuas" if kind == "depth" else "root_acc"] is None


def test_a_probe_is_the_same_alone_and_in_company(alone: Mapping[str, Done]) -> None:
    """Other kinds, ranks, seeds and layers beside it change nothing, to the last bit."""
    company = run(replace(BLOCK, ranks=(None, 4), seeds=(1, 0)))
    assert set(alone) < set(company)
    for key, done in alone.items():
        assert company[key].rows.equals(done.rows)
    source = made()
    only = replace(checkpoint(source), layers=(2,))
    readings = readings_of(BLOCK, [only])
    work = StructuralWork(source=source, block=BLOCK, readings=readings, device="cpu")
    for unit in units_left(probes_of(BLOCK, [only]), readings, ()):
        for done in _do(work, unit):
            assert done.rows.equals(alone[done.probe.key].rows)


def test_seeds_differ() -> None:
    found = run(replace(BLOCK, kinds=("depth",), seeds=(0, 1)))
    first, second = (found[f"depth-base-r0016-s{seed}-L02"].rows.column("dev_loss") for seed in (0, 1))
    assert first != second


def test_what_does_not_fit_in_memory_is_read_batch_by_batch_to_the_same_numbers(
    alone: Mapping[str, Done],
) -> None:
    source = made()
    one = checkpoint(source)
    one_layer = one.n_words * WIDTH * 4 + 6 * WIDTH * WIDTH * 4
    assert [reading.layers for reading in readings_of(BLOCK, [one], 2 * one_layer).values()] == [(0, 1), (2,)]
    assert all(not reading.kept for reading in readings_of(BLOCK, [one], 20_000).values())
    for kept_bytes in (20_000, 2 * one_layer):
        found = run(BLOCK, source, kept_bytes=kept_bytes)
        assert all(found[key].rows.equals(done.rows) for key, done in alone.items())


def test_a_word_is_the_mean_or_the_first_of_its_tokens() -> None:
    source = made()
    task = StructuralWork(
        source=source, block=BLOCK, readings=readings_of(BLOCK, [checkpoint(source)]), device="cpu"
    ).open("base-L00-L02")
    mean = task.vectors["dev"]
    first = replace(mean, pool="first", kept={})
    np.testing.assert_allclose(
        mean.batch(np.array([0]), (1,))[0], source.layers["dev"][1][: mean.bank.n_words[0]]
    )
    np.testing.assert_allclose(
        first.batch(np.array([0]), (1,))[0], source.layers["dev"][1][: mean.bank.n_words[0]] - 0.25
    )


def test_sentences_that_can_not_be_read_are_counted() -> None:
    """A word without tokens, and an example without values."""
    block = replace(BLOCK, kinds=("depth",), training=TrainingRule(epochs=1))
    source = made(lost={"test": frozenset({0})})
    one = checkpoint(source)
    one = replace(one, test=replace(one.test, excluded=(0, 3)))
    readings = readings_of(block, [one])
    work = StructuralWork(source=source, block=block, readings=readings, device="cpu")
    [unit] = units_left(probes_of(block, [one]), readings, ())
    row = by_split(_do(work, unit)[0])["test"]
    assert (row["n_sentences"], row["n_without_tokens"], row["n_without_values"]) == (10, 1, 1)


def test_punctuation_by_either_column() -> None:
    block = replace(BLOCK, kinds=("depth",), training=TrainingRule(epochs=1))
    rows = run(block, made(xpos="."))
    assert by_split(rows["depth-base-r0016-s0-L01"])["test"]["n_punctuation_only"] == SIZES["test"]
    rows = run(replace(block, punctuation="upos"), made(xpos="."))
    assert by_split(rows["depth-base-r0016-s0-L01"])["test"]["n_punctuation_only"] == 0


@pytest.mark.parametrize(("kind", "items"), [("distance", None), ("depth", 1)])
def test_predictions_on_request(kind: str, items: int | None) -> None:
    block = replace(BLOCK, kinds=(kind,), training=TrainingRule(epochs=1))
    found = run(block, predictions=True)[f"{kind}-base-r0016-s0-L01"].predictions
    assert found is not None
    rows = found.to_pylist()
    heads = made().heads
    assert len(rows) == sum(len(head) for split in ("dev", "test") for head in heads[split])
    first = rows[0]
    assert len(first["gold"]) == len(first["predicted"]) == (items or len(heads["dev"][0]))


def test_done_probes_are_not_asked_again() -> None:
    one = checkpoint(made())
    readings = readings_of(BLOCK, [one])
    probes = probes_of(BLOCK, [one])
    done = {probe.key for probe in probes if probe.kind == "distance" or probe.layer == 1}
    [unit] = units_left(probes, readings, done)
    assert [probe.layer for probe in unit.args] == [0, 2]
    assert units_left(probes, readings, {probe.key for probe in probes}) == ()


def test_a_rank_above_the_width_is_refused() -> None:
    with pytest.raises(RequestError, match="rank = 17, but the layers of base have 16 units"):
        probes_of(replace(BLOCK, ranks=(17,)), [checkpoint(made())])


def test_what_are_no_trees_is_refused_by_name() -> None:
    source = made()
    source.heads["dev"][2][:2] = [1, 0]
    with pytest.raises(RequestError, match=r"dev, sentence 'weblog-3' \(example 2\): .*is not a tree"):
        refuse_no_trees(
            source.labels("dev", "words", "dev-trees"), "dev", [f"weblog-{i + 1}" for i in range(12)]
        )


def test_activations_that_are_not_finite_are_named() -> None:
    source = made()
    source.layers["dev"][2, 1] = np.nan
    with pytest.raises(WorkError, match="run dev, L02, example 0, word 1 is not finite"):
        run(BLOCK, source)
