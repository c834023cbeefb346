"""A break of a thin vessel costs what its few pixels alone do not; noisy samples are looked at by pixels alone."""

import pytest
import torch

from monai_fundusgen.losses.centreline import CentrelineLoss
from monai_fundusgen.losses.denoising import DenoisingLoss, LogitLoss

CLEAN, NOISY = torch.tensor([0.9], dtype=torch.float64), torch.tensor([0.1], dtype=torch.float64)


def line(*, without=()):
    """A soft vessel of one kind along row 16 of 32 x 32, one pixel wide, at .4; some columns are ground."""
    vessels = torch.full((1, 2, 32, 32), 0.01)
    vessels[0, 0, 16, 2:30] = 0.4
    vessels[0, 0, 16, list(without)] = 0.01
    return vessels


def cost(loss, found, abar=CLEAN):
    x_0 = line() * 2 - 1
    return loss(torch.logit(found), x_0, torch.zeros_like(x_0), abar).item()


@pytest.mark.parametrize("found", [line(), line(without=[15, 16])])
def test_only_samples_of_low_noise_are_looked_at(found):
    loss = CentrelineLoss(LogitLoss(), weight=0.5)
    assert cost(loss, found, NOISY) == cost(LogitLoss(), found, NOISY)
    assert cost(loss, found) > cost(LogitLoss(), found)
    assert cost(CentrelineLoss(LogitLoss(), weight=0.0), found) == cost(LogitLoss(), found)


def test_a_vessel_that_is_dim_but_whole_costs_little_and_a_break_much():
    sharp = CentrelineLoss(LogitLoss(), weight=1.0, softness=0.01)
    more = lambda found: cost(sharp, found) - cost(LogitLoss(), found)
    dim = torch.where(line() > 0.3, 0.33, line())
    assert more(dim) < 0.1 * more(line(without=[15, 16]))
    assert cost(LogitLoss(), dim) - cost(LogitLoss(), line()) > 0


def test_the_gradient_closes_a_break_and_leaves_the_ground_alone():
    x_0 = line() * 2 - 1
    logits = torch.logit(torch.where(line(without=[15, 16]) == line(), line(), 0.18)).requires_grad_()
    loss = CentrelineLoss(LogitLoss(), weight=1.0)
    more = loss(logits, x_0, torch.zeros_like(x_0), CLEAN) - loss.loss(logits, x_0, torch.zeros_like(x_0), CLEAN)
    (gradient,) = torch.autograd.grad(more, logits)
    assert (gradient[0, 0, 16, 15:17] < 0).all() and gradient[0, 1].abs().max() < 1e-6
    assert gradient[0, 0, 16, 15:17].abs().min() > 20 * gradient[0, 0, :10].abs().max()


def test_it_reads_the_estimate_of_any_parametrisation():
    x_0, eps = line() * 2 - 1, torch.zeros(1, 2, 32, 32)
    output = CLEAN.sqrt().float() * eps - (1 - CLEAN).sqrt().float() * x_0  # the velocity
    plain = DenoisingLoss("v")
    whole = CentrelineLoss(plain, weight=1.0)(output, x_0, eps, CLEAN) - plain(output, x_0, eps, CLEAN)
    assert whole.item() == pytest.approx(
        cost(CentrelineLoss(LogitLoss(), weight=1.0), line()) - cost(LogitLoss(), line()), rel=1e-3
    )


@pytest.mark.parametrize("wrong", [{"weight": -1}, {"least_abar": 0}, {"threshold": 1.0}, {"softness": 0}])
def test_wrong_numbers_are_refused(wrong):
    with pytest.raises(ValueError, match="CentrelineLoss: weight"):
        CentrelineLoss(LogitLoss(), **wrong)
