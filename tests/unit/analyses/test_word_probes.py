"""Word probes: fixtures of controls and information, scikit-learn as an oracle, company, the work itself."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss

from actstore.schema.ports import Unit
from analyses.probes.edge.task_runs import LabelledRun, TaskRuns
from analyses.probes.word.control import control_labels, word_types
from analyses.probes.word.information import entropy_of, usable_bits
from analyses.probes.word.plan import WordBlock, probes_of, units_left
from analyses.probes.word.rule import WordTraining
from analyses.probes.word.stack import Variant, WordShape, WordStack
from analyses.probes.word.word_set import WordBatch
from analyses.probes.word.work import WordWork
from tests.support.made_edges import MadeEdges

CPU = torch.device("cpu")
SPLITS = {"train": 150, "dev": 40, "test": 60}


def run(corpus: str, n_rows: int) -> LabelledRun:
    return LabelledRun(
        corpus=corpus, text_id=corpus, label_set="x", label_hash="", run_id=corpus, tokens_id=corpus,
        n_rows=n_rows,
    )  # fmt: skip


def task() -> TaskRuns:
    runs = {split: run(split, 12 * n) for split, n in SPLITS.items()}
    return TaskRuns(
        task="x", checkpoint="base", labels=("a", "b", "c"), multi_label=False, layers=(0, 1, 2), width=12,
        item_bytes=4, **runs,
    )  # fmt: skip


def measured(block: WordBlock, seed: int = 0) -> list[dict]:
    source = MadeEdges(n_sentences=SPLITS, seed=seed)
    [unit, *more] = units_left(block, probes_of(block, [task()]), [task()], ())
    work = WordWork(source=source, block=block, tasks={"base": task()})
    group = work.open(unit.group)
    return [row for one in (unit, *more) for done in group.do(one) for row in done.rows.to_pylist()]


BLOCK = WordBlock(
    name="w", kinds=("linear",), seeds=(0,), control=True, v_information=True,
    training=WordTraining(epochs=12, learning_rate=1e-2, hidden=16),
)  # fmt: skip


def test_information_of_the_fixture() -> None:
    """Methods 8.4: .8 on gold and .1 elsewhere but item 4, whose gold has .2."""
    y = np.array([0, 0, 1, 1, 2, 2, 2, 0])
    prior = np.bincount(y) / len(y)
    gold = np.where(np.arange(8) == 4, 0.2, 0.8)
    h_y, h_y_r = entropy_of(prior[y]), entropy_of(gold)
    assert h_y == pytest.approx(1.5612781245)
    assert h_y_r == pytest.approx(0.5719280949)
    assert usable_bits(h_y, h_y_r) == pytest.approx(0.9893500296)


def test_control_labels_are_of_types_and_drawn_as_often_as_the_labels() -> None:
    types, n_types = word_types({"train": ["the", "dog", "the"], "test": ["cat", "dog"]})
    assert n_types == 3
    assert types["train"].tolist() == [2, 1, 2]
    assert types["test"].tolist() == [0, 1]
    label_V = np.repeat([0, 1, 2], [70, 20, 10])
    drawn = control_labels(20_000, label_V, 4, seed=0)
    assert np.bincount(drawn, minlength=4) / 20_000 == pytest.approx([0.7, 0.2, 0.1, 0], abs=0.01)
    assert np.array_equal(drawn, control_labels(20_000, label_V, 4, seed=0))
    assert not np.array_equal(drawn, control_labels(20_000, label_V, 4, seed=1))


def stack(variants: list[Variant], width: int, kind: str = "linear", **rule: float) -> WordStack:
    shape = WordShape(kind=kind, width=width, n_labels=3, hidden=8)
    training = WordTraining(**{"learning_rate": 0.05, **rule})
    return WordStack(variants=variants, shape=shape, seed=0, rule=training, device=CPU)


def batch(value_LVD: np.ndarray, label_V: np.ndarray, control_V: np.ndarray) -> WordBatch:
    return WordBatch(
        value_LVD=torch.from_numpy(value_LVD.astype(np.float32)),
        label_V=torch.from_numpy(label_V),
        control_V=torch.from_numpy(control_V),
    )


def accuracy(one: WordStack, probe: int, data: WordBatch) -> float:
    said = one.scored(probe, data, one.now(probe)).argmax(dim=-1)
    return float((said == one.variants[probe].wanted(data)).double().mean())


def test_control_of_one_hot_types_is_learnt_and_of_a_constant_is_the_majority() -> None:
    """Methods 8.3."""
    rng = np.random.default_rng(0)
    type_V = rng.integers(30, size=400)
    control = control_labels(30, rng.integers(3, size=100), 3, seed=0)
    values = np.stack([np.eye(30)[type_V], np.ones((400, 30))])
    data = batch(values, rng.integers(3, size=400), control[type_V])
    one = stack([Variant(reads=(0,), control=True), Variant(reads=(1,), control=True)], 30)
    for _ in range(150):
        one.step(data)
    assert accuracy(one, 0, data) == 1
    assert accuracy(one, 1, data) == np.bincount(control[type_V]).max() / 400


def test_the_linear_probe_is_logistic_regression() -> None:
    """Oracle: scikit-learn's, without a penalty, on data that no plane parts."""
    rng = np.random.default_rng(1)
    label_V = rng.integers(3, size=600)
    value_VD = rng.normal(size=(600, 6)) + np.eye(6)[label_V]
    data = batch(value_VD[None], label_V, label_V)
    one = stack([Variant(reads=(0,))], 6)
    for _ in range(600):
        one.step(data)
    score_VK = one.scored(0, data, one.now(0))
    oracle = LogisticRegression(C=np.inf, max_iter=1000).fit(value_VD, label_V)
    mine = torch.nn.functional.cross_entropy(score_VK, data.label_V).item()
    assert mine == pytest.approx(log_loss(label_V, oracle.predict_proba(value_VD)), abs=2e-4)
    probability = torch.softmax(score_VK, dim=-1).numpy()
    assert np.abs(probability - oracle.predict_proba(value_VD)).max() < 0.01


def test_layers_tell_what_they_hold_and_controls_are_not_told() -> None:
    rows = measured(BLOCK)
    assert [row["layer"] for row in rows] == [0, 1, 2]
    plain, noisy, nothing = rows
    assert plain["accuracy"] > 0.99
    assert plain["accuracy"] > noisy["accuracy"] > nothing["accuracy"]
    assert abs(plain["h_bits"] - np.log2(3)) < 0.1
    assert plain["i_v_bits"] == pytest.approx(plain["h_bits"] - plain["h_v_bits"])
    assert plain["i_v_bits"] > 1.2
    assert nothing["i_v_bits"] < 0.1
    assert plain["selectivity"] == pytest.approx(plain["accuracy"] - plain["control_accuracy"])


def test_information_beyond_a_layer() -> None:
    """Layer 1 adds nothing to what layer 0 says; layer 0 adds to layer 2, which says nothing."""
    rows = measured(WordBlock(**{**fields(BLOCK), "given": 0}))
    assert abs(rows[1]["i_given_bits"]) < 0.05
    rows = measured(WordBlock(**{**fields(BLOCK), "given": 2, "control": False}))
    assert rows[0]["i_given_bits"] > 1.2
    assert rows[0]["control_accuracy"] is None


def fields(block: WordBlock) -> dict:
    return {name: getattr(block, name) for name in block.__dataclass_fields__}


@pytest.mark.parametrize("kind", ["linear", "mlp"])
def test_a_probe_is_the_same_alone_and_in_company(kind: str) -> None:
    """Bit for bit, beside other layers, controls, other seeds; kept or streamed."""
    for kept_bytes in (10**9, 60_000):
        changed = {"kinds": (kind,), "kept_bytes": kept_bytes}
        company = measured(WordBlock(**{**fields(BLOCK), **changed, "seeds": (1, 0)}))
        alone = measured(
            WordBlock(
                **{**fields(BLOCK), **changed, "layers": (1,), "control": False, "v_information": False}
            )
        )
        [same] = [row for row in company if (row["layer"], row["seed"]) == (1, 0)]
        assert {name: same[name] for name in ("accuracy", "h_v_bits", "n_epochs")} == {
            name: alone[0][name] for name in ("accuracy", "h_v_bits", "n_epochs")
        }
        assert alone[0]["streamed"] == (kept_bytes < 10**9)


def test_units_are_stacks_where_all_fits_and_checkpoints_where_not() -> None:
    probes = probes_of(BLOCK, [task()])
    units: tuple[Unit, ...] = units_left(BLOCK, probes, [task()], {probes[0].key})
    assert [len(unit.args[0]) for unit in units] == [2]
    two = WordBlock(**{**fields(BLOCK), "kinds": ("linear", "mlp")})
    assert len(units_left(two, probes_of(two, [task()]), [task()], ())) == 2
    tight = WordBlock(**{**fields(two), "kept_bytes": 1000})
    assert len(units_left(tight, probes_of(tight, [task()]), [task()], ())) == 1
