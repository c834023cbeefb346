from __future__ import annotations

import pytest
import torch

from monai_fundusgen.losses.feature_matching import feature_matching_loss


def features(value: float, scales: int = 2, layers: int = 3) -> list[list[torch.Tensor]]:
    return [[torch.full((1, 2 ** (i + 1), 4, 4), value) for i in range(layers)] for _ in range(scales)]


def test_equal_features_cost_nothing_and_a_constant_offset_costs_itself_per_layer():
    assert feature_matching_loss(features(0.3), features(0.3)) == 0
    assert torch.isclose(feature_matching_loss(features(0.0), features(0.5)), torch.tensor(3 * 0.5))


def test_more_scales_do_not_weigh_more():
    few, many = (feature_matching_loss(features(0.0, scales=n), features(1.0, scales=n)) for n in (1, 3))
    assert few == many


def test_only_the_fake_learns():
    real, fake = torch.zeros(1, 1, 2, 2, requires_grad=True), torch.ones(1, 1, 2, 2, requires_grad=True)
    feature_matching_loss([[real]], [[fake]]).backward()
    assert real.grad is None
    assert torch.allclose(fake.grad, torch.full((1, 1, 2, 2), 0.25))


def test_layers_may_be_weighted():
    real = [[torch.zeros(1, 1, 2, 2), torch.zeros(1, 1, 4, 4)]]
    fake = [[torch.ones(1, 1, 2, 2), 3 * torch.ones(1, 1, 4, 4)]]
    assert feature_matching_loss(real, fake, (0.5, 0.25)).item() == pytest.approx(0.5 + 0.75)
