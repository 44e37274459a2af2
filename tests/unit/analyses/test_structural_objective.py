"""Losses and gradients of structural probes: the fixture, autograd of the plain definition, padding."""

import numpy as np
import pytest
import torch

from analyses.probes.structural.objective import Gold, centred, gradient, losses, predict
from analyses.probes.structural.trees import depths, distances, path_edges

HEADS = [np.array([1, 1, 4, 4, 1, 1]), np.array([0, 0, 1]), np.array([0])]
N = 6


def gold(kind: str) -> Gold:
    """The targets of HEADS, padded."""
    make, shape = (distances, (N, N)) if kind == "distance" else (depths, (N,))
    target, mask = torch.zeros(len(HEADS), *shape), torch.zeros(len(HEADS), *shape)
    for at, head in enumerate(HEADS):
        inside = (at, *(slice(len(head)),) * len(shape))
        target[inside], mask[inside] = torch.from_numpy(make(head)), 1
    return Gold(target=target, mask=mask, n_words_B=torch.tensor([float(len(head)) for head in HEADS]))


def plain_loss(mapped: torch.Tensor, kind: str) -> torch.Tensor:
    """Of each probe and sentence, as the paper writes it: all differences, one after the other."""
    out = []
    for probe in mapped:
        for padded, head in zip(probe, HEADS, strict=True):
            words = padded[: len(head)]
            if kind == "distance":
                guess = (words[:, None] - words[None]).square().sum(-1)
                error = (guess - torch.from_numpy(distances(head))).abs()
            else:
                error = (words.square().sum(-1) - torch.from_numpy(depths(head))).abs()
            out.append(error.sum() / error.numel())
    return torch.stack(out).view(len(mapped), len(HEADS))


@pytest.mark.parametrize("kind", ["distance", "depth"])
@pytest.mark.parametrize("mean", [True, False])
def test_loss_and_gradient_are_those_of_the_definition(kind: str, mean: bool) -> None:
    generator = torch.Generator().manual_seed(0)
    free = torch.randn(2, len(HEADS), N, 5, generator=generator, dtype=torch.float32)
    inside = torch.zeros(1, len(HEADS), N, 1)
    for at, head in enumerate(HEADS):
        inside[0, at, : len(head)] = 1
    mapped = (free * inside).requires_grad_()
    expected = plain_loss(mapped, kind)
    (expected.mean(dim=1) if mean else expected.sum(dim=1)).sum().backward()
    target = gold(kind)
    middle = centred(mapped.detach(), target)
    found = predict(middle, target)
    torch.testing.assert_close(losses(found, target), expected.detach(), rtol=1e-5, atol=1e-6)
    assert mapped.grad is not None
    torch.testing.assert_close(gradient(middle, found, target, mean=mean), mapped.grad, rtol=1e-4, atol=1e-6)


def test_the_fixture_of_the_methods() -> None:
    """Predicting |i - j|: an L1 sum of 32 over 36 cells; words on a line at square roots of distances can not
    be made, so that the prediction is given."""
    target = gold("distance")
    gap = (torch.arange(N)[:, None] - torch.arange(N)[None]).abs().float()
    assert losses(gap.expand(1, len(HEADS), N, N), target)[0, 0] == pytest.approx(32 / 36)
    guess = torch.tensor([1.5, 0.2, 1.9, 0.1, 1.0, 1.1])
    assert losses(guess.expand(1, len(HEADS), N), gold("depth"))[0, 0] == pytest.approx(0.4666667)


@pytest.mark.parametrize("kind", ["distance", "depth"])
def test_a_perfect_embedding_has_no_loss(kind: str) -> None:
    mapped = torch.zeros(1, len(HEADS), N, N)
    for at, head in enumerate(HEADS):
        mapped[0, at, : len(head), : len(head)] = torch.from_numpy(path_edges(head))
    target = gold(kind)
    assert losses(predict(centred(mapped, target), target), target).max() < 1e-6
