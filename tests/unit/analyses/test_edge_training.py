"""Edge probes: trained alone, in company, kept or streamed; what they learn is what the layers tell."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from analyses.probes.edge.batch import EdgeBatch
from analyses.probes.edge.network import Noise, Shape
from analyses.probes.edge.rule import EdgeTraining
from analyses.probes.edge.scores import f1
from analyses.probes.edge.stack import NOISE_STREAM, EdgeStack
from analyses.probes.edge.tally import Tally, clean_labels
from analyses.probes.edge.target_set import TargetSet, target_set
from analyses.probes.edge.training import Pupil, Trained, fit, tallies
from analyses.probes.scan.feed import Feed, Needed
from analyses.probes.scan.pools import Layout, n_pools_for
from analyses.readers.word_places import TOKEN_COLUMNS, WORD_COLUMNS, word_places
from tests.support.made_edges import MadeEdges

CPU = torch.device("cpu")
LABELS = ("a", "b", "c")
RULE = EdgeTraining(learning_rate=3e-3, batch_size=8, max_steps=60, validate_every=10, units=8)
MIX, FIRST, LAST = [True, True, True], [True, False, False], [False, False, True]


def targets(source: MadeEdges, corpus: str, labels: tuple[str, ...] = LABELS) -> TargetSet:
    places = word_places(source.tokens(corpus, TOKEN_COLUMNS), source.word_tokens(corpus, WORD_COLUMNS))
    return target_set(source.labels(corpus, "x", ""), places, labels)


def feed(source: MadeEdges, corpus: str, data: TargetSet, kept_bytes: int = 10**9) -> Feed:
    row_R, example_R = data.rows()
    needed = Needed(run_id=corpus, layers=(0, 1, 2), row_R=row_R, example_R=example_R)
    n, each = source.n_sentences[corpus], 2 * source.length
    n_pools = n_pools_for(n * each * 3 * source.width * 4, kept_bytes)
    layout = Layout(example_N=np.arange(n), n_rows_N=np.full(n, each), n_pools=n_pools)
    return Feed(source, needed, layout)


def trained(
    reads: list[list[bool]],
    *,
    seeds: tuple[int, ...] = (0,),
    rule: EdgeTraining = RULE,
    kept_bytes: int = 10**9,
    pairs: bool = False,
) -> tuple[list[EdgeStack], list[list[Tally]]]:
    source = MadeEdges(n_sentences={"train": 120, "dev": 30, "test": 30}, pairs=pairs)
    labels = ("other", "same") if pairs else LABELS
    sets = {split: targets(source, split, labels) for split in ("train", "dev", "test")}
    feeds = {split: feed(source, split, data, kept_bytes) for split, data in sets.items()}
    shape = Shape(width=12, n_layers=3, n_spans=1 + pairs, n_labels=len(labels), units=rule.units)
    stacks = [
        EdgeStack(shape=shape, reads_PL=torch.tensor(reads), seed=seed, rule=rule, device=CPU)
        for seed in seeds
    ]
    fit(
        [Pupil(stack=stack, train=sets["train"], dev=sets["dev"]) for stack in stacks],
        feeds["train"], feeds["dev"], CPU,
    )  # fmt: skip
    clean_K = clean_labels(labels)
    found = [
        tallies(
            Trained(params=stack.trained(), reads_PL=stack.reads_PL, shape=shape, device=CPU),
            sets["test"], feeds["test"], clean_K,
        )
        for stack in stacks
    ]  # fmt: skip
    return stacks, found


def score(tally: Tally) -> float:
    return float(f1(tally.all_S3.sum(axis=0)))


def test_probes_learn_what_their_layer_tells() -> None:
    _, ((mix, first, last),) = trained([MIX, FIRST, LAST], rule=replace(RULE, max_steps=200))
    assert score(first) > 0.97
    assert score(mix) > 0.9
    assert score(last) < 0.5


def test_pairs_of_spans_are_told_apart() -> None:
    _, ((first, last),) = trained([FIRST, LAST], pairs=True, rule=replace(RULE, max_steps=300, units=16))
    assert score(first) > 0.97
    assert score(last) < 0.75


@pytest.mark.parametrize(("kept_bytes", "clip"), [(10**9, 5.0), (10**9, 0.01), (40_000, 5.0)])
def test_a_probe_is_the_same_alone_and_in_any_company(kept_bytes: int, clip: float) -> None:
    """Bit for bit: other layers, other seeds, kept or streamed."""
    rule = replace(RULE, clip=clip)
    company, _ = trained([LAST, MIX, FIRST], seeds=(3, 7), kept_bytes=kept_bytes, rule=rule)
    alone, _ = trained([MIX], seeds=(7,), kept_bytes=kept_bytes, rule=rule)
    for name, value in alone[0].trained().items():
        assert torch.equal(value[0], company[1].trained()[name][1]), name
    assert alone[0].climbs[0] == company[1].climbs[1]


def test_a_probe_that_stops_leaves_the_others_as_they_are() -> None:
    rule = replace(RULE, max_steps=100, stop_after=2, validate_every=5)
    company, _ = trained([LAST, FIRST], rule=rule)
    assert company[0].climbs[0].n_validations < company[0].climbs[1].n_validations
    alone, _ = trained([FIRST], rule=rule)
    for name, value in alone[0].trained().items():
        assert torch.equal(value[0], company[0].trained()[name][1]), name


def test_streamed_training_learns_as_well() -> None:
    _, ((kept,),) = trained([FIRST], rule=replace(RULE, max_steps=150))
    _, ((streamed,),) = trained([FIRST], rule=replace(RULE, max_steps=150), kept_bytes=40_000)
    assert score(streamed) == pytest.approx(score(kept), abs=0.03)


def test_one_scan_feeds_all_stacks() -> None:
    """Rows read of streamed activations do not grow with seeds or probes."""
    read = []
    for reads, seeds in (([MIX], (0,)), ([MIX, FIRST, LAST], (0, 1, 2))):
        source = MadeEdges(n_sentences={"train": 40, "dev": 10})
        sets = {split: targets(source, split) for split in ("train", "dev")}
        train, dev = feed(source, "train", sets["train"], 20_000), feed(source, "dev", sets["dev"])
        assert train.is_streamed
        shape = Shape(width=12, n_layers=3, n_spans=1, n_labels=3, units=4)
        stacks = [
            EdgeStack(shape=shape, reads_PL=torch.tensor(reads), seed=seed, rule=RULE, device=CPU)
            for seed in seeds
        ]
        fit([Pupil(stack=one, train=sets["train"], dev=sets["dev"]) for one in stacks], train, dev, CPU)
        read.append(source.read["L00"])
        assert all(stack.n_steps == RULE.max_steps for stack in stacks)
    assert read[0] == read[1]


def test_training_is_that_of_torch_modules() -> None:
    """Oracle: the same network of torch.nn modules, with torch's Adam and clipping; the same dropout."""
    source = MadeEdges(n_sentences={"train": 16})
    data = targets(source, "train")
    (pool,) = feed(source, "train", data).pools(0)
    shape = Shape(width=12, n_layers=3, n_spans=1, n_labels=3, units=8)
    stack = EdgeStack(shape=shape, reads_PL=torch.tensor([MIX]), seed=1, rule=RULE, device=CPU)
    noise = Noise(int(np.random.default_rng([1, NOISE_STREAM]).integers(2**62)), CPU)
    module = Oracle(shape, {name: value[0].detach() for name, value in stack.params.items()})
    optimiser = torch.optim.Adam(module.parameters(), lr=RULE.learning_rate, amsgrad=True)
    for first in range(0, 16, 4):
        batch = data.batch(np.arange(first, first + 4), pool.rows, CPU)
        stack.step(batch)
        optimiser.zero_grad()
        found = module(batch, noise)
        loss = torch.nn.functional.binary_cross_entropy_with_logits(found, batch.label_BK)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(module.parameters(), RULE.clip)
        optimiser.step()
        torch.testing.assert_close(stack.score(batch)[0], module(batch), atol=2e-4, rtol=1e-3)


class Oracle(torch.nn.Module):
    """One span; spans are runs of two tokens, pooled in a loop."""

    def __init__(self, shape: Shape, begin: dict[str, torch.Tensor]) -> None:
        super().__init__()
        self.mix, self.gamma = torch.nn.Parameter(begin["mix"]), torch.nn.Parameter(begin["gamma"])
        self.project = self.linear(begin, "project0")
        self.attend = torch.nn.Linear(shape.units, 1)
        self.hidden, self.out = self.linear(begin, "hidden"), self.linear(begin, "out")
        self.norm = torch.nn.LayerNorm(shape.units)
        with torch.no_grad():
            self.attend.weight[0] = begin["attend0.weight"]
            self.attend.bias[0] = begin["attend0.bias"]

    @staticmethod
    def linear(begin: dict[str, torch.Tensor], name: str) -> torch.nn.Linear:
        weight = begin[f"{name}.weight"]
        made = torch.nn.Linear(*weight.shape)
        with torch.no_grad():
            made.weight.copy_(weight.T)
            made.bias.copy_(begin[f"{name}.bias"])
        return made

    def forward(self, batch: EdgeBatch, noise: Noise | None = None) -> torch.Tensor:
        layers = batch.value_LTD
        token = self.gamma * (torch.softmax(self.mix, 0)[:, None, None] * layers).sum(0)
        if noise is not None:
            token = noise.dropped(token[None], 0.2)[0]
        projected = self.project(token)
        spans = batch.spans[0]
        pooled = []
        for target in range(len(batch.label_BK)):
            mine = projected[spans.token_Q[spans.target_Q == target]]
            pooled.append((torch.softmax(self.attend(mine), 0) * mine).sum(0))
        hidden = self.norm(torch.tanh(self.hidden(torch.stack(pooled))))
        return self.out(hidden if noise is None else noise.dropped(hidden[None], 0.3)[0])
