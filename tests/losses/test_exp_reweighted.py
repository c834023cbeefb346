"""The paper's loss is the formula of the paper, and its optimum is tilted by 2c."""

import math

import pytest
import torch

from monai_fundusgen.losses.denoising import DenoisingLoss
from monai_fundusgen.losses.exp_reweighted import ExpReweightedLoss

ABAR = torch.tensor([0.1, 0.9], dtype=torch.float64)


def drawn():
    rng = torch.Generator().manual_seed(0)
    x_0 = (torch.rand(2, 2, 8, 8, generator=rng) < 0.2) * 2.0 - 1
    return x_0, *torch.randn(2, 2, 2, 8, 8, generator=rng)


@pytest.mark.parametrize("c", [-0.5, 0.0, 1.0, 2.0])
def test_it_is_the_formula(c):
    x_0, eps, output = drawn()
    triples = zip(*(value.flatten().tolist() for value in (x_0, eps, output)), strict=True)
    expected = sum(math.exp(c * clean) * (noise - guess) ** 2 for clean, noise, guess in triples) / x_0.numel()
    assert ExpReweightedLoss(c)(output, x_0, eps, ABAR).item() == pytest.approx(expected, rel=1e-5)


def test_without_strength_it_is_the_plain_loss():
    x_0, eps, output = drawn()
    weighted, plain = (loss(output, x_0, eps, ABAR) for loss in (ExpReweightedLoss(0.0), DenoisingLoss("eps")))
    torch.testing.assert_close(weighted, plain)


@pytest.mark.parametrize("c", [0.5, 2.0])
def test_a_normalised_weight_keeps_the_size_of_the_loss(c):
    x_0, eps, _ = drawn()
    fraction = (x_0 > 0).float().mean().item()
    loss = ExpReweightedLoss(c, vessel_fraction=fraction)(eps + 1, x_0, eps, ABAR)
    assert loss.item() == pytest.approx(1, rel=1e-4)


def test_half_precision_outputs_give_float32_losses():
    x_0, eps, output = drawn()
    assert ExpReweightedLoss(12.0)(output.half(), x_0, eps, ABAR).dtype == torch.float32


@pytest.mark.parametrize("c", [31.0, -100.0, math.inf, math.nan])
def test_impossible_strengths_are_refused_when_it_is_built(c):
    with pytest.raises(ValueError, match=r"overflows .* take \|c\| <= 30"):
        ExpReweightedLoss(c)
    with pytest.raises(ValueError, match="overflows"):
        ExpReweightedLoss(c, vessel_fraction=0.1)


@pytest.mark.parametrize("precision", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("c", [30.0, -30.0])
def test_the_largest_strength_that_is_taken_still_trains(c, precision):
    """Loss, gradient norm and Adam's second moments are finite, and a step moves the weights by a finite amount."""
    x_0, eps, _ = drawn()
    network = torch.nn.Conv2d(2, 2, 3, padding=1)
    optimiser = torch.optim.AdamW(network.parameters())
    with torch.autocast("cpu", torch.bfloat16, enabled=precision is torch.bfloat16):
        output = network(eps)
    loss = ExpReweightedLoss(c)(output, x_0, eps, ABAR)
    loss.backward()
    optimiser.step()
    moments = [value for state in optimiser.state.values() for value in state.values()]
    norm = torch.nn.utils.clip_grad_norm_(network.parameters(), math.inf)
    assert all(torch.isfinite(value).all() for value in (loss, norm, *moments, *network.parameters()))


def test_impossible_fractions_are_refused_when_it_is_built():
    with pytest.raises(ValueError, match="outside"):
        ExpReweightedLoss(1.0, vessel_fraction=1.0)


def test_gradient_descent_finds_the_tilted_answer():
    """A one-weight network under this loss: x_0's estimate goes to the mean of the tilted distribution."""
    p, c = 0.2, 0.75
    x_0 = torch.where(torch.arange(1000) < 1000 * p, 1.0, -1.0).reshape(1, 1, 10, 100).double()
    abar = torch.tensor([1e-4], dtype=torch.float64)  # so noisy that x_t tells nothing
    eps = torch.zeros_like(x_0)
    estimate = torch.zeros((), dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.LBFGS([estimate], line_search_fn="strong_wolfe")
    scale = math.sqrt(1e-4 / (1 - 1e-4))

    def closure():
        optimiser.zero_grad()
        loss = ExpReweightedLoss(c)((x_0 - estimate) * scale, x_0, eps, abar) / scale**2
        loss.backward()
        return loss

    optimiser.step(closure)
    assert 2 * math.atanh(estimate.item()) == pytest.approx(math.log(p / (1 - p)) + 2 * c, abs=1e-3)
