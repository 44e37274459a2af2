"""Plateau: torch's ReduceLROnPlateau, and when a probe is kept or ends."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from analyses.probes.plateau import Plateau, PlateauRule

LOSSES = st.lists(st.floats(0.1, 10), min_size=1, max_size=30)


@settings(deadline=None)
@given(LOSSES, st.integers(0, 3), st.sampled_from([0.1, 0.5]))
def test_learning_rates_are_torchs(losses: list[float], patience: int, factor: float) -> None:
    optimiser = torch.optim.SGD([torch.zeros(1)], lr=1e-3)
    torchs = torch.optim.lr_scheduler.ReduceLROnPlateau(optimiser, factor=factor, patience=patience, eps=0)
    state = Plateau(rule=PlateauRule(factor=factor, patience=patience), learning_rate=1e-3)
    for loss in losses:
        torchs.step(loss)
        state = state.after(loss)
        assert state.learning_rate == pytest.approx(optimiser.param_groups[0]["lr"])


def test_the_best_is_kept_and_five_evaluations_without_a_better_one_end_training() -> None:
    state = Plateau(rule=PlateauRule(), learning_rate=1e-3)
    for loss in (3.0, 2.0, 1.99995, 2.5, 2.5, 2.5):
        assert not state.is_over
        state = state.after(loss)
    assert (state.best, state.best_at, state.is_best) == (2.0, 1, False)
    assert not state.is_over
    assert state.after(2.5).is_over
    assert state.after(1.9).is_best


def test_a_loss_that_is_no_number_is_never_better() -> None:
    state = Plateau(rule=PlateauRule(), learning_rate=1e-3).after(float("nan"))
    assert (state.best_at, state.n_decays) == (-1, 1)
