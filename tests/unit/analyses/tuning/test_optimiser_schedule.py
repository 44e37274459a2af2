"""BERT's AdamW against its rule in NumPy, and the two schedules."""

import numpy as np
import pytest
import torch
from torch import nn
from transformers import get_linear_schedule_with_warmup

from actstore.errors import RequestError
from analyses.tuning.optimiser import BertAdamW, parameter_groups
from analyses.tuning.schedule import rate_factor
from analyses.tuning.settings import TASKS, TrainSettings, default_settings


class Small(nn.Module):
    """One decayed weight and three that are not."""

    def __init__(self) -> None:
        super().__init__()
        self.trunk = nn.Linear(4, 3)
        self.norm = nn.LayerNorm(3)
        self.head = nn.Linear(3, 2)

    def forward(self, value: torch.Tensor) -> torch.Tensor:
        return self.head(self.norm(self.trunk(value)))


def berts_rule(w, g, m, v, rate, decay):
    """google-research/bert, optimization.py, AdamWeightDecayOptimizer, in float64."""
    m = 0.9 * m + (1 - 0.9) * g
    v = 0.999 * v + (1 - 0.999) * g * g
    return w - rate * (m / (np.sqrt(v) + 1e-6) + decay * w), m, v


def test_the_optimiser_is_berts():
    torch.manual_seed(0)
    model = Small()
    optimiser = BertAdamW(parameter_groups(model, decay=0.01, head_rate=3.0))
    kept = {name: "weight" in name and "norm" not in name for name, _ in model.named_parameters()}
    state = {name: (p.detach().double().numpy(), 0.0, 0.0) for name, p in model.named_parameters()}
    for step in range(20):
        rate = 0.01 / (step + 1)
        optimiser.zero_grad()
        model(torch.randn(5, 4)).square().sum().backward()
        for group in optimiser.param_groups:
            group["lr"] = rate * group["rate"]
        for name, parameter in model.named_parameters():
            w, m, v = state[name]
            of_group = rate * (3.0 if name.startswith("head.") else 1.0)
            gradient = parameter.grad.double().numpy()
            state[name] = berts_rule(w, gradient, m, v, of_group, 0.01 if kept[name] else 0.0)
        optimiser.step()
        for name, parameter in model.named_parameters():
            np.testing.assert_allclose(parameter.detach().numpy(), state[name][0], rtol=2e-5, atol=2e-6)


def test_there_is_no_bias_correction():
    weight = nn.Parameter(torch.zeros(1))
    optimiser = BertAdamW([{"params": [weight], "lr": 1.0, "decay": 0.0}])
    weight.grad = torch.ones(1)
    optimiser.step()
    assert weight.item() == pytest.approx(-0.1 / (0.001**0.5 + 1e-6))  # with correction it would be -1


def test_frozen_weights_are_in_no_group():
    model = Small()
    model.trunk.requires_grad_(False)
    names = {id(p): name for name, p in model.named_parameters()}
    groups = parameter_groups(model, decay=0.01, head_rate=1.0)
    assert {names[id(p)] for group in groups for p in group["params"]} == {
        "norm.weight", "norm.bias", "head.weight", "head.bias",
    }  # fmt: skip
    assert {names[id(p)] for g in groups if g["decay"] for p in g["params"]} == {"head.weight"}


def test_berts_schedule_drops_at_the_end_of_warm_up():
    factors = [rate_factor("bert_tf", step, 100, 0.1) for step in range(100)]
    assert factors[:3] == [0.0, 0.1, 0.2]
    assert factors[9:12] == pytest.approx([0.9, 0.9, 0.89])  # it would have reached 1 at step 10
    assert factors[-1] == pytest.approx(0.01)


@pytest.mark.parametrize(("n_steps", "warmup"), [(100, 0.1), (7, 0.0), (33, 0.5)])
def test_hf_linear_is_the_librarys(n_steps, warmup):
    optimiser = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=1.0)
    schedule = get_linear_schedule_with_warmup(optimiser, int(n_steps * warmup), n_steps)
    for step in range(n_steps):
        assert rate_factor("hf_linear", step, n_steps, warmup) == pytest.approx(schedule.get_last_lr()[0])
        optimiser.step()
        schedule.step()


@pytest.mark.parametrize("schedule", ["bert_tf", "hf_linear"])
def test_without_warm_up_the_first_step_is_whole(schedule):
    assert [rate_factor(schedule, step, 4, 0.0) for step in range(4)] == [1.0, 0.75, 0.5, 0.25]


def test_the_defaults_are_those_of_the_methods():
    assert default_settings("mnli") == TrainSettings(epochs=3, learning_rate=2e-5, batch_size=32)
    assert (default_settings("dep").epochs, default_settings("dep").learning_rate) == (20, 3e-5)
    for task in TASKS:
        settings = default_settings(task)
        assert (settings.schedule, settings.weight_decay, settings.clip_norm) == ("bert_tf", 0.01, 1.0)
        assert TrainSettings.from_dict(settings.to_dict()) == settings


@pytest.mark.parametrize(
    "wrong",
    [{"epochs": 0}, {"learning_rate": 0.0}, {"warmup": 1.0}, {"schedule": "cosine"}, {"precision": "int8"},
     {"accumulation": 9}, {"dropout": 1.0}, {"save_steps": (0,)}, {"max_steps": 0}],
)  # fmt: skip
def test_settings_out_of_range(wrong):
    (name,) = wrong
    with pytest.raises(RequestError, match=f"{name} = .*allowed: "):
        TrainSettings(**{"epochs": 1, "learning_rate": 1e-4, "batch_size": 8, **wrong})
