"""Edge probes of codes: pooling, mixing, losses and divergence by fixtures; company; Adam by torch."""

import math

import numpy as np
import pytest
import torch
from torch.distributions import Normal, kl_divergence

from analyses.probes.edge import network
from analyses.probes.edge.batch import EdgeBatch, Spans
from analyses.probes.edge.network import Noise, Shape, attended, mixed, target_losses
from analyses.probes.mdl import bayes
from analyses.probes.stacked_adam import StackedAdam, clipped

CPU = torch.device("cpu")
SHAPE = Shape(width=6, n_layers=3, n_spans=2, n_labels=4, units=5)


def spans(*rows: list[int]) -> Spans:
    return Spans(
        token_Q=torch.tensor([token for row in rows for token in row]),
        target_Q=torch.tensor([at for at, row in enumerate(rows) for _ in row]),
    )


def batch() -> EdgeBatch:
    generator = torch.Generator().manual_seed(3)
    return EdgeBatch(
        value_LTD=torch.randn(3, 7, 6, generator=generator),
        spans=(spans([0], [1, 2], [3, 4, 5]), spans([6], [0, 1], [2])),
        label_BK=torch.eye(4)[:3],
    )


def test_pooling_of_the_fixture() -> None:
    """Methods 3.9: z = (1,0), (0,2), (3,1), (1,1), w = (1,-1), b = .5; a span of one token is the token."""
    token = torch.tensor([[[1.0, 0], [0, 2], [3, 1], [1, 1]]])
    params = {"a.weight": torch.tensor([[1.0, -1]]), "a.bias": torch.tensor([0.5])}
    found = attended(params, "a", token, spans([0, 1, 2], [3]), 2)
    torch.testing.assert_close(found[0], torch.tensor([[2.42958548, 0.74782496], [1, 1]]))


def test_pooling_survives_large_scores() -> None:
    token = torch.tensor([[[1000.0], [-1000.0]]])
    params = {"a.weight": torch.tensor([[1.0]]), "a.bias": torch.tensor([0.0])}
    assert attended(params, "a", token, spans([0, 1], [1]), 2).flatten().tolist() == [1000, -1000]


def test_mixes_begin_as_means_of_what_a_probe_reads() -> None:
    value = batch().value_LTD
    reads = torch.tensor([[True, True, True], [True, True, False], [False, False, True]])
    params = network.start(SHAPE, 3, 0, CPU)
    found = mixed(params, value, reads)
    torch.testing.assert_close(found, torch.stack([value.mean(0), value[:2].mean(0), value[2]]))
    alone = mixed({name: one[2:] for name, one in params.items()}, value, reads[2:])
    torch.testing.assert_close(alone[0], value[2])


def test_losses_are_torchs() -> None:
    scores = torch.tensor([[[2, -1, -3], [-0.5, 0.1, -2], [0.3, 0.2, -1], [-1, -2, -0.1]]])
    several = torch.tensor([[1.0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 0, 1]])
    found = target_losses(scores, several, multi_label=True)
    assert found.sum() / 12 == pytest.approx(0.4153767388)
    one = torch.eye(3)[[0, 0, 1, 2]]
    expected = torch.nn.functional.cross_entropy(scores[0], torch.tensor([0, 0, 1, 2]), reduction="none")
    torch.testing.assert_close(target_losses(scores, one, multi_label=False)[0], expected)


def test_divergence_of_the_fixture() -> None:
    """Methods 5.5: a layer of 2 -> 1, all means 0 but the noise's, all log variances -9."""
    params = {
        "x.noise": torch.ones(1, 2), "x.noise_log_var": torch.full((1, 2), -9.0),
        "x.weight": torch.zeros(1, 2, 1), "x.weight_log_var": torch.full((1, 2, 1), -9.0),
        "x.bias": torch.zeros(1, 1), "x.bias_log_var": torch.full((1, 1), -9.0),
        "gamma": torch.ones(1),
    }  # fmt: skip
    assert bayes.divergence(params).item() == pytest.approx(22.2718158, abs=1e-5)
    assert bayes.divergence(params).item() / math.log(2) == pytest.approx(32.1314382, abs=1e-5)
    noise = {name: value for name, value in params.items() if "noise" in name or name == "gamma"}
    assert bayes.divergence(noise).item() / 2 == pytest.approx(5.1358153, abs=1e-6)


def test_divergence_of_weights_is_that_of_gaussians() -> None:
    params = {name: value.detach() for name, value in bayes.start(SHAPE, 2, 0, CPU).items()}
    only = {k: v for k, v in params.items() if k.startswith("out.") and "noise" not in k} | {
        "gamma": params["gamma"]
    }
    expected = sum(
        kl_divergence(Normal(only[name], (only[f"{name}_log_var"] / 2).exp()), Normal(0.0, 1.0)).sum() / 2
        for name in ("out.weight", "out.bias")
    )
    assert bayes.divergence(only)[1].item() == pytest.approx(float(expected), rel=1e-5)


@pytest.mark.parametrize("name", ["project0", "hidden"])
def test_sampled_layers_have_the_mean_and_spread_of_sampled_weights(name: str) -> None:
    """Activations are sampled; drawing noise, weights and biases themselves gives the same distribution."""
    params = {key: value.detach() for key, value in bayes.start(SHAPE, 1, 1, CPU).items()}
    for key in list(params):
        if key.endswith("_log_var"):
            params[key] = torch.full_like(params[key], -1.5)
    n_in = params[f"{name}.weight"].shape[1]
    value = torch.linspace(-1, 1, n_in).expand(1, 40_000, n_in)
    found = bayes.linear(params, name, value, Noise(0, CPU))[0]
    torch.manual_seed(0)
    drawn = {
        part: params[f"{name}.{part}"][0]
        + torch.randn(40_000, *params[f"{name}.{part}"].shape[1:]) * math.exp(-0.75)
        for part in ("noise", "weight", "bias")
    }
    if name == "hidden":
        expected = torch.einsum("ni,nio->no", value[0] * drawn["noise"], drawn["weight"]) + drawn["bias"]
    else:
        expected = torch.einsum("ni,nio->no", value[0], drawn["weight"]) + drawn["bias"]
        expected = expected * drawn["noise"]
    torch.testing.assert_close(found.mean(0), expected.mean(0), atol=0.05, rtol=0)
    torch.testing.assert_close(found.std(0), expected.std(0), atol=0.05, rtol=0.03)


@pytest.mark.parametrize("module", [network, bayes])
def test_a_probe_is_the_same_alone_and_in_company(module: object) -> None:
    reads = torch.eye(3, dtype=torch.bool)
    company = module.logits(module.start(SHAPE, 3, 0, CPU), batch(), reads, Noise(1, CPU))
    alone = module.logits(module.start(SHAPE, 1, 0, CPU), batch(), reads[1:2], Noise(1, CPU))
    assert torch.equal(company[1], alone[0])


@pytest.mark.parametrize("amsgrad", [False, True])
def test_adam_is_torchs_with_a_rate_for_each_probe(amsgrad: bool) -> None:
    rng = np.random.default_rng(0)
    mine = {"w": torch.zeros(2, 3, 4), "b": torch.zeros(2)}
    theirs = [[torch.zeros(3, 4), torch.zeros(())] for _ in range(2)]
    rates = (0.1, 0.01)
    optimisers = [
        torch.optim.Adam(pair, lr=rate, amsgrad=amsgrad) for pair, rate in zip(theirs, rates, strict=True)
    ]
    stacked = StackedAdam(mine, amsgrad=amsgrad)
    for _ in range(7):
        slope = {name: torch.from_numpy(rng.normal(size=value.shape)).float() for name, value in mine.items()}
        stacked.step(slope, list(rates))
        for probe, optimiser in enumerate(optimisers):
            for value, name in zip(theirs[probe], ("w", "b"), strict=True):
                value.grad = slope[name][probe]
            optimiser.step()
    for probe in range(2):
        torch.testing.assert_close(mine["w"][probe], theirs[probe][0])
        torch.testing.assert_close(mine["b"][probe], theirs[probe][1])


def test_clipping_is_torchs_for_each_probe() -> None:
    slope = {"w": torch.tensor([[30.0, 40.0], [0.3, 0.4]]), "b": torch.tensor([0.0, 0.0])}
    found = clipped(slope, 5.0)
    params = [torch.zeros(2, requires_grad=True), torch.zeros((), requires_grad=True)]
    params[0].grad, params[1].grad = slope["w"][0].clone(), slope["b"][0].clone()
    torch.nn.utils.clip_grad_norm_(params, 5.0)
    torch.testing.assert_close(found["w"][0], params[0].grad)
    assert found["w"][1].tolist() == slope["w"][1].tolist()
