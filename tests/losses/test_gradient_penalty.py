from __future__ import annotations

import pytest
import torch

from monai_fundusgen.losses.gradient_penalty import path_length_penalty, path_lengths, r1_penalty

SHAPE = (3, 2, 4, 4)


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)


def test_r1_of_a_linear_discriminator_is_the_square_of_its_weights():
    weight, real = torch.randn(SHAPE[1:]), torch.randn(SHAPE, requires_grad=True)
    logits = (weight * real).sum(dim=(1, 2, 3))[:, None]
    assert r1_penalty(logits, real).item() == pytest.approx(weight.square().sum().item(), rel=1e-6)


def test_r1_of_a_quadratic_discriminator_and_its_gradient_in_the_weight():
    """D = a |x|^2 / 2 has gradient a x: the penalty is a^2 mean |x|^2, and that has derivative 2 a mean |x|^2 in a."""
    real = torch.randn(SHAPE, requires_grad=True)
    a = torch.tensor(0.7, requires_grad=True)
    penalty = r1_penalty(a * real.square().sum(dim=(1, 2, 3))[:, None] / 2, real)
    power = real.detach().square().sum(dim=(1, 2, 3)).mean()
    assert penalty.item() == pytest.approx((0.49 * power).item(), rel=1e-6)
    assert torch.autograd.grad(penalty, a)[0].item() == pytest.approx((1.4 * power).item(), rel=1e-6)


def linear_generator(layers=3, width=5):
    """Images A w summed over the layers, and what they are made of."""
    maps = torch.randn(layers, width, *SHAPE[1:], requires_grad=True)
    styles = torch.randn(SHAPE[0], layers, width, requires_grad=True)
    return torch.einsum("nld,ldchw->nchw", styles, maps), styles, maps


def test_path_lengths_of_a_linear_generator_by_hand():
    images, styles, maps = linear_generator()
    noise = torch.randn(SHAPE)
    found = path_lengths(images, styles, noise)
    pulled = torch.einsum("ldchw,nchw->nld", maps, noise / 4)  # A^T y, y over the root of 4 * 4 pixels
    assert torch.allclose(found, pulled.square().sum(dim=2).mean(dim=1).sqrt(), rtol=1e-5)


def test_the_penalty_and_its_gradient_by_hand():
    """d/dA (|A^T y| - a)^2 = 2 (1 - a / |A^T y|) y (A^T y)^T, of one layer."""
    images, styles, maps = linear_generator(layers=1)
    noise, target = torch.randn(SHAPE), torch.tensor(1.3)
    penalty = path_length_penalty(path_lengths(images, styles, noise), target)
    y = noise / 4
    pulled = torch.einsum("dchw,nchw->nd", maps.detach()[0], y)
    lengths = pulled.norm(dim=1)
    assert penalty.item() == pytest.approx((lengths - 1.3).square().mean().item(), rel=1e-5)
    by_hand = torch.einsum("n,nd,nchw->dchw", 2 * (1 - 1.3 / lengths) / len(y), pulled, y)
    assert torch.allclose(torch.autograd.grad(penalty, maps)[0][0], by_hand, rtol=1e-4, atol=1e-5)


def test_equal_lengths_at_the_target_cost_nothing():
    assert path_length_penalty(torch.full((4,), 2.5), torch.tensor(2.5)).item() == 0
