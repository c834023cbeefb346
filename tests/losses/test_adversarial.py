from __future__ import annotations

import pytest
import torch
from monai.losses import PatchAdversarialLoss

from monai_fundusgen.losses.adversarial import (
    hinge_loss,
    least_squares_discriminator_loss,
    least_squares_generator_loss,
    logistic_discriminator_loss,
    logistic_generator_loss,
)


def logits(seed: int) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(2, 1, size, size, generator=generator) for size in (8, 4, 2)]


def test_equals_the_hosts_loss_without_its_activation_times_the_scales():
    host = PatchAdversarialLoss(criterion="least_squares", no_activation_leastsq=True)
    real, fake = logits(0), logits(1)
    generator = host(fake, target_is_real=True, for_discriminator=False)
    assert least_squares_generator_loss(fake).item() == pytest.approx(3 * generator.item(), rel=1e-6)
    both = host(real, True, True) + host(fake, False, True)
    assert least_squares_discriminator_loss(real, fake).item() == pytest.approx(3 * both.item() / 2, rel=1e-6)


def test_zero_only_where_each_side_has_won():
    ones, zeros = ([torch.full((1, 1, 2, 2), value)] for value in (1.0, 0.0))
    assert least_squares_discriminator_loss(ones, zeros) == 0
    assert least_squares_generator_loss(ones) == 0
    assert least_squares_discriminator_loss(zeros, ones) == 1
    assert least_squares_generator_loss(zeros) == 1


def test_best_discriminator_of_equal_distributions_says_one_half():
    guess = torch.full((1, 1, 1, 1), 0.2, requires_grad=True)
    optimiser = torch.optim.SGD([guess], lr=0.5)
    for _ in range(50):
        optimiser.zero_grad()
        least_squares_discriminator_loss([guess], [guess]).backward()
        optimiser.step()
    assert guess.item() == pytest.approx(0.5, abs=1e-3)


def test_half_precision_logits_are_judged_in_full():
    assert least_squares_generator_loss([torch.zeros(1, 1, 1, 1, dtype=torch.bfloat16)]).dtype == torch.float32


def test_targets_at_both_ends_of_the_range():
    real, fake = [torch.tensor([[0.5]])], [torch.tensor([[-0.5]])]
    assert least_squares_discriminator_loss(real, fake, fake_target=-1.0).item() == pytest.approx((0.25 + 0.25) / 2)


def test_hinge_by_hand_and_its_gradient_ends_at_the_margin():
    found = torch.tensor([[0.5, -0.5, 1.0]], requires_grad=True)
    loss = hinge_loss([found])
    assert loss.item() == pytest.approx((0.5 + 1.5 + 0) / 3)
    loss.backward()
    assert found.grad.tolist()[0][:2] == pytest.approx([-1 / 3, -1 / 3])
    truth = torch.tensor([[1.0, -1.0, -1.0]])
    assert hinge_loss([found, found], [truth, truth]).item() == pytest.approx(2 * (0.5 + 0.5 + 2) / 3)


def test_the_logistic_losses_are_the_logarithms_of_the_odds_given():
    real, fake = torch.tensor([[2.0], [-1.0]]), torch.tensor([[0.5], [-3.0]])
    chance = torch.sigmoid
    assert logistic_generator_loss(fake).item() == pytest.approx(-chance(fake).log().mean().item(), rel=1e-6)
    expected = -chance(real).log().mean() - (1 - chance(fake)).log().mean()
    assert logistic_discriminator_loss(real, fake).item() == pytest.approx(expected.item(), rel=1e-6)


def test_the_generators_loss_does_not_saturate_on_fakes_that_are_found_out():
    fake = torch.tensor([-60.0], requires_grad=True)
    logistic_generator_loss(fake).backward()
    assert fake.grad.item() == pytest.approx(-1)
