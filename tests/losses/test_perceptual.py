from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from monai_fundusgen.losses.perceptual import TAP_WEIGHTS, PerceptualLoss, VGG19Features

#: Index and channels of the published layers, read off table 1 (configuration E) with ReLU and pooling counted.
CONVOLUTIONS = {
    0: (3, 64), 2: (64, 64), 5: (64, 128), 7: (128, 128), 10: (128, 256), 12: (256, 256), 14: (256, 256),
    16: (256, 256), 19: (256, 512), 21: (512, 512), 23: (512, 512), 25: (512, 512), 28: (512, 512),
}  # fmt: skip
POOLS, TAPS = (4, 9, 18, 27), (1, 6, 11, 20, 29)


@pytest.fixture(scope="module")
def weights() -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    state = {"classifier.0.weight": torch.zeros(1)}  # published files hold more
    for index, (narrow, wide) in CONVOLUTIONS.items():
        spread = (2 / (9 * narrow)) ** 0.5
        state[f"features.{index}.weight"] = torch.randn(wide, narrow, 3, 3, generator=generator) * spread
        state[f"features.{index}.bias"] = torch.randn(wide, generator=generator) * 0.1
    return state


def photograph(seed: int) -> torch.Tensor:
    return torch.rand((1, 3, 32, 32), generator=torch.Generator().manual_seed(seed)) * 2 - 1


def reference_taps(image: torch.Tensor, weights: dict[str, torch.Tensor]) -> list[torch.Tensor]:
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    x = ((image * 0.5 + 0.5).permute(0, 2, 3, 1) - mean) / std
    x, taps = x.permute(0, 3, 1, 2), []
    for index in range(30):
        if index in CONVOLUTIONS:
            x = F.conv2d(x, weights[f"features.{index}.weight"], weights[f"features.{index}.bias"], padding=1)
        else:
            x = F.max_pool2d(x, 2) if index in POOLS else x.relu()
        if index in TAPS:
            taps.append(x)
    return taps


def test_features_equal_the_published_stack_written_out(weights):
    image = photograph(0)
    for mine, theirs in zip(VGG19Features(weights)(image), reference_taps(image, weights), strict=True):
        assert torch.allclose(mine, theirs, rtol=1e-4, atol=1e-4)


def test_distance_is_the_weighted_sum_and_zero_for_the_same_image(weights):
    loss = PerceptualLoss(weights)
    a, b = photograph(0), photograph(1)
    assert loss(a, a) == 0
    pairs = zip(reference_taps(a, weights), reference_taps(b, weights), strict=True)
    parts = [(one - other).abs().mean() for one, other in pairs]
    expected = sum(weight * part for weight, part in zip(TAP_WEIGHTS, parts, strict=True))
    assert loss(a, b).item() == pytest.approx(expected.item(), rel=1e-4)


def test_gradients_reach_the_fake_only(weights):
    loss = PerceptualLoss(weights)
    fake, real = photograph(0).requires_grad_(), photograph(1).requires_grad_()
    loss(fake, real).backward()
    assert fake.grad.abs().sum() > 0
    assert real.grad is None
    assert not any(parameter.requires_grad for parameter in loss.parameters())


def test_incomplete_weights_are_refused(weights):
    with pytest.raises(KeyError, match=r"1 weights missing, the first is features\.5\.bias"):
        VGG19Features({name: value for name, value in weights.items() if name != "features.5.bias"})
