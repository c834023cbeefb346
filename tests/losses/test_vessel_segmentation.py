"""The segmenter's loss: right where it is known, blind where it is not."""

import math

import pytest
import torch

from monai_fundusgen.losses.vessel_segmentation import MaskedVesselLoss


def target_of(maps, masks):
    return torch.cat([torch.tensor(maps)[None], torch.tensor(masks)[None]], dim=1)


def test_the_value_of_a_hand_made_case():
    # one channel, two pixels known, one unknown; logits 0 everywhere: cross-entropy log 2, soft map one half
    target = target_of([[[1.0, 0.0, 1.0]]], [[[1.0, 1.0, 0.0]]])
    logits = torch.zeros(1, 1, 1, 3)
    dice = 1 - (2 * 0.5 + 1) / (0.5 + 1 + 1)
    assert MaskedVesselLoss(smooth=1.0)(logits, target).item() == pytest.approx(math.log(2) + dice)
    assert MaskedVesselLoss(0.0)(logits, target).item() == pytest.approx(math.log(2))


def test_unknown_pixels_neither_count_nor_pull():
    rng = torch.Generator().manual_seed(0)
    maps, masks = torch.rand(2, 3, 5, 5, generator=rng), (torch.rand(2, 3, 5, 5, generator=rng) > 0.4).float()
    logits = torch.randn(2, 3, 5, 5, generator=rng, requires_grad=True)
    loss = MaskedVesselLoss()(logits, torch.cat([maps, masks], dim=1))
    loss.backward()
    assert not logits.grad[masks == 0].any() and logits.grad[masks == 1].abs().min() > 0
    other = torch.cat([torch.where(masks == 0, 1 - maps, maps), masks], dim=1)
    assert MaskedVesselLoss()(logits, other).item() == pytest.approx(loss.item())


def test_the_truth_has_the_least_loss():
    maps = torch.zeros(1, 3, 8, 8)
    maps[:, :, 3] = 1
    target = torch.cat([maps, torch.ones_like(maps)], dim=1)
    truth, wrong = 20 * (2 * maps - 1), 20 * (1 - 2 * maps)
    loss = MaskedVesselLoss(smooth=1.0)
    assert loss(truth, target).item() < 1e-3 < 5 < loss(wrong, target).item()


def test_a_batch_where_nothing_is_known_gives_no_gradient_and_no_nan():
    logits = torch.zeros(1, 3, 4, 4, requires_grad=True)
    MaskedVesselLoss()(logits, torch.zeros(1, 6, 4, 4)).backward()
    assert not logits.grad.any()


def test_a_target_without_masks_is_refused():
    with pytest.raises(ValueError, match="3 channels for 3 outputs"):
        MaskedVesselLoss()(torch.zeros(1, 3, 4, 4), torch.zeros(1, 3, 4, 4))
