import pytest
import torch

from monai_fundusgen.metrics.masked_dice import MaskedDiceMetric


def test_masked_dice_of_a_hand_made_case_is_pooled_over_images_and_blind_outside_the_masks():
    metric = MaskedDiceMetric()
    maps = torch.tensor([[[[1.0, 1.0, 0.0, 1.0]], [[0.0, 0.0, 1.0, 0.0]]]])
    masks = torch.tensor([[[[1.0, 1.0, 1.0, 0.0]], [[1.0, 1.0, 1.0, 1.0]]]])
    pred = torch.tensor([[[[0.9, 0.2, 0.7, 0.1]], [[0.1, 0.2, 0.8, 0.1]]]])
    metric(pred, torch.cat([maps, masks], dim=1))
    assert metric.aggregate().item() == pytest.approx((2 / 4 + 1) / 2)
    metric(maps, torch.cat([maps, masks], dim=1))  # a perfect one
    assert metric.aggregate().item() == pytest.approx((6 / 8 + 1) / 2)
    with pytest.raises(ValueError, match="nothing to aggregate"):
        MaskedDiceMetric().aggregate()
