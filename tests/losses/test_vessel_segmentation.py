"""The segmenter's loss: right where it is known, blind where it is not."""

import math

import pytest
import torch

from monai_fundusgen.losses.vessel_segmentation import MaskedVesselLoss, kind_loss


def target_of(maps, masks):
    return torch.cat([torch.tensor(maps)[None], torch.tensor(masks)[None]], dim=1)


def test_the_value_of_a_hand_made_case():
    # two channels, alike: two pixels known, one unknown; logits 0: cross-entropy log 2, soft map one half
    one = [[1.0, 0.0, 1.0]]
    target = target_of([one, one], [[[1.0, 1.0, 0.0]]] * 2)
    logits = torch.zeros(1, 2, 1, 3)
    dice = 1 - (2 * 0.5 + 1) / (0.5 + 1 + 1)
    assert MaskedVesselLoss(kind_weight=0, smooth=1.0)(logits, target).item() == pytest.approx(math.log(2) + dice)
    assert MaskedVesselLoss(0.0, 0.0)(logits, target).item() == pytest.approx(math.log(2))
    assert MaskedVesselLoss(0.0, 3.0)(logits, target).item() == pytest.approx(4 * math.log(2))


def test_the_kind_counts_on_known_vessels_alone():
    #         artery, half a vein, background, unknown artery
    maps = torch.tensor([[[[1.0, 0.0, 0.0, 1.0]], [[0.0, 0.5, 0.0, 0.0]]]])
    masks = torch.tensor([1.0, 1.0, 1.0, 0.0]).expand_as(maps)
    logits = torch.tensor([[[[2.0, 1.0, 5.0, -9.0]], [[0.0, 0.0, 0.0, 9.0]]]], requires_grad=True)
    wrong = math.log(1 + math.exp(1.0))  # of the vein
    right = math.log(1 + math.exp(-2.0))  # of the artery
    loss = kind_loss(logits, maps, masks)
    assert loss.item() == pytest.approx((right + 0.5 * wrong) / 1.5)
    loss.backward()
    assert not logits.grad[..., 2:].any() and logits.grad[0, 1, 0, 1] < 0 < logits.grad[0, 0, 0, 1]


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
    maps[:, 0, :4] = maps[:, 1, 6:] = maps[:, 2, 3:] = 1
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
