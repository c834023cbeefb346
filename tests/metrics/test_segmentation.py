from __future__ import annotations

import pytest
import torch

from monai_fundusgen.metrics.functional.segmentation import (
    artery_vein_accuracy,
    artery_vein_counts,
    binary_counts,
    dice,
    roc_auc,
    score_table,
)
from monai_fundusgen.metrics.segmentation import ArteryVeinMetric, MaskedDiceMetric, VesselSegmentationMetric


def batch(seed, channels=1, count=4):
    rng = torch.Generator().manual_seed(seed)
    target = torch.rand(count, channels, 24, 20, generator=rng) < 0.3
    scores = (torch.rand(target.shape, generator=rng) * 0.7 + 0.3 * target).mul(255).floor() / 255
    fov = torch.rand(count, 1, 24, 20, generator=rng) < 0.8
    return scores, target, fov


def test_the_split_into_batches_does_not_matter():
    scores, target, fov = batch(0)
    whole, parts = VesselSegmentationMetric(), VesselSegmentationMetric()
    whole(scores, target, fov=fov)
    for part in (slice(0, 1), slice(1, 4)):
        parts(scores[part], target[part], fov=fov[part])
    assert parts.aggregate() == pytest.approx(whole.aggregate())


def test_pooled_scores_and_means_equal_the_plain_functions():
    scores, target, fov = batch(1)
    metric = VesselSegmentationMetric(threshold=0.4, bins=4096)
    metric(scores, target, fov=fov)
    counts = binary_counts((scores >= 0.4)[:, 0], target[:, 0], fov[:, 0])
    found = metric.aggregate()
    assert found["dice"] == pytest.approx(dice(counts.sum(dim=0)).item())
    assert found["dice_mean"] == pytest.approx(dice(counts).mean().item())
    assert found["roc_auc"] == pytest.approx(roc_auc(score_table(scores, target, fov)), abs=1e-9)


def test_kinds_pool_over_images():
    scores, target, fov = batch(2, channels=2)
    metric = ArteryVeinMetric(missing="half")
    metric(scores > 0.5, target, fov=fov)
    table = artery_vein_counts(scores > 0.5, target, fov[:, 0], missing="half")
    assert metric.aggregate()["accuracy"] == pytest.approx(artery_vein_accuracy(table.sum(dim=0)).item())
    assert metric.aggregate()["accuracy_mean"] == pytest.approx(artery_vein_accuracy(table).mean().item())


def test_a_perfect_prediction():
    _, target, fov = batch(3)
    metric = VesselSegmentationMetric()
    metric(target.float(), target, fov=fov)
    assert list(metric.aggregate().values()) == pytest.approx([1.0] * 13)
    metric.reset()
    with pytest.raises(ValueError, match="nothing to aggregate"):
        metric.aggregate()


def test_areas_need_no_centre_lines():
    scores, target, fov = batch(4)
    metric = VesselSegmentationMetric(cl_dice=False)
    metric(scores, target, fov=fov)
    assert "cl_dice_mean" not in metric.aggregate()


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
