from __future__ import annotations

from dataclasses import replace
from math import isnan

import pytest
import torch
from sklearn.metrics import average_precision_score, roc_auc_score

from monai_fundusgen.metrics.functional.artery_vein import (
    artery_vein_accuracy,
    artery_vein_counts,
    called_kinds,
    graph_targets,
)
from monai_fundusgen.metrics.functional.segmentation import binary_counts, dice
from monai_fundusgen.metrics.protocol import Protocol
from monai_fundusgen.metrics.segmentation import ArteryVeinMetric, VesselSegmentationMetric

ORACLE = Protocol(threshold_from="test_oracle", threshold=None)


def batch(seed, channels=1, count=4):
    rng = torch.Generator().manual_seed(seed)
    target = torch.rand(count, channels, 24, 20, generator=rng) < 0.3
    scores = (torch.rand(target.shape, generator=rng) * 0.7 + 0.3 * target).mul(255).floor() / 255
    fov = torch.rand(count, 1, 24, 20, generator=rng) < 0.8
    return scores, target, fov


def scored(metric, *images, **masks):
    metric(*images, **masks)
    return metric.aggregate()


def test_the_split_into_batches_does_not_matter():
    scores, target, fov = batch(0)
    whole, parts = VesselSegmentationMetric(), VesselSegmentationMetric()
    whole(scores, target, fov=fov)
    for part in (slice(0, 1), slice(1, 4)):
        parts(scores[part], target[part], fov=fov[part])
    assert parts.aggregate() == pytest.approx(whole.aggregate())


def test_pooled_scores_and_means_equal_the_plain_functions_and_scikit_learn():
    scores, target, fov = batch(1)
    rules = Protocol(threshold=0.4)
    metric = VesselSegmentationMetric(rules)
    pooled = scored(metric, scores, target, fov=fov)
    counts = binary_counts((scores >= 0.4)[:, 0], target[:, 0], fov[:, 0])
    assert pooled["dice"] == pytest.approx(dice(counts.sum(dim=0)).item())
    assert pooled["roc_auc"] == pytest.approx(roc_auc_score(target[fov], scores[fov]), abs=1e-9)
    assert pooled["pr_auc"] == pytest.approx(average_precision_score(target[fov], scores[fov]), abs=1e-9)
    means = metric.aggregate(replace(rules, pooling="per_image"))
    assert means["dice"] == pytest.approx(dice(counts).mean().item())
    each = [roc_auc_score(t[f], s[f]) for s, t, f in zip(scores, target, fov, strict=True)]
    assert means["roc_auc"] == pytest.approx(sum(each) / 4, abs=1e-9)


def test_images_of_unequal_size_pool():
    scores, target, fov = batch(2)
    metric = VesselSegmentationMetric(cl_dice=False)
    metric(scores[:1], target[:1], fov=fov[:1])
    metric(scores[1:, :, :11], target[1:, :, :11], fov=fov[1:, :, :11])
    parts = [(scores[0], target[0], fov[0]), *zip(scores[1:, :, :11], target[1:, :, :11], fov[1:, :, :11], strict=True)]
    pixels, labels = (torch.cat([part[side][part[2]] for part in parts]) for side in (0, 1))
    assert metric.aggregate()["roc_auc"] == pytest.approx(roc_auc_score(labels, pixels), abs=1e-9)


def test_each_rule_gives_the_number_it_should_on_a_hand_made_case():
    """Two images of 1 x 6 px; the last two pixels of each lie outside the field."""
    scores = torch.tensor([[[[0.9, 0.6, 0.3, 0.1, 0.8, 0.0]]], [[[0.7, 0.4, 0.4, 0.2, 0.0, 0.6]]]])
    target = torch.tensor([[[[1, 1, 0, 0, 0, 0]]], [[[1, 1, 1, 0, 0, 0]]]], dtype=torch.bool)
    fov = torch.tensor([1, 1, 1, 1, 0, 0], dtype=torch.bool).expand(2, 1, 1, 6)

    def accuracy(**rules):
        return scored(VesselSegmentationMetric(Protocol(**rules)), scores, target, fov=fov)["accuracy"]

    assert accuracy() == pytest.approx(6 / 8)
    assert accuracy(field="all") == pytest.approx(8 / 12)  # 0.8 and 0.6 outside the field are wrong
    assert accuracy(field="all_zeroed") == pytest.approx(10 / 12)
    assert accuracy(threshold_from="test_oracle", threshold=None) == 1.0  # from 0.4 on
    assert accuracy(threshold_from="validation", threshold=0.65) == pytest.approx(5 / 8)

    def sensitivity(**rules):
        return scored(VesselSegmentationMetric(Protocol(**rules)), scores, target, fov=fov)["sensitivity"]

    assert sensitivity() == pytest.approx(3 / 5)
    assert sensitivity(pooling="per_image") == pytest.approx((1 + 1 / 3) / 2)


def test_the_threshold_chosen_on_one_set_is_taken_to_another():
    scores, target, fov = batch(3)
    chosen = scored(VesselSegmentationMetric(), scores[:2], target[:2], fov=fov[:2])["best_threshold"]
    rules = Protocol(threshold_from="validation", threshold=None)
    test = VesselSegmentationMetric(rules)
    test(scores[2:], target[2:], fov=fov[2:])
    with pytest.raises(ValueError, match="chosen on validation"):
        test.aggregate()
    counts = binary_counts((scores >= chosen)[2:, 0], target[2:, 0], fov[2:, 0]).sum(dim=0)
    assert test.aggregate(rules.with_threshold(chosen))["dice"] == pytest.approx(dice(counts).item())
    assert test.aggregate(ORACLE)["dice"] >= dice(counts).item()


def test_a_perfect_prediction():
    _, target, fov = batch(3)
    metric = VesselSegmentationMetric()
    found = scored(metric, target.float(), target, fov=fov)
    thresholds = {found.pop("threshold"), found.pop("best_threshold")}
    assert list(found.values()) == pytest.approx([1.0] * 9) and thresholds == {0.5, 1.0}
    metric.reset()
    with pytest.raises(ValueError, match="nothing to score"):
        metric.aggregate()


def test_images_without_any_vessel_have_no_area_and_say_so():
    scores, target, fov = batch(4)
    with pytest.raises(ValueError, match="4 image.s. hold no pixel of the class to find"):
        scored(VesselSegmentationMetric(), scores, target & False, fov=fov)
    everything = scored(VesselSegmentationMetric(), scores, target | True, fov=fov)
    assert isnan(everything["roc_auc"]) and everything["precision"] == 1
    target[0] = False  # one of four: the mean is over the others
    metric = VesselSegmentationMetric(Protocol(pooling="per_image"), cl_dice=False)
    without = scored(VesselSegmentationMetric(Protocol(pooling="per_image")), scores[1:], target[1:], fov=fov[1:])
    assert scored(metric, scores, target, fov=fov)["roc_auc"] == pytest.approx(without["roc_auc"])


def test_other_pixels_than_those_kept_are_refused():
    metric = VesselSegmentationMetric()
    with pytest.raises(ValueError, match="use another metric"):
        metric.aggregate(Protocol(field="all"))
    with pytest.raises(ValueError, match="expected .B, 1, H, W. twice"):
        metric(torch.zeros(1, 2, 4, 4), torch.zeros(1, 2, 4, 4))


def test_kinds_pool_over_images():
    scores, target, fov = batch(2, channels=2)
    found = scored(ArteryVeinMetric(Protocol(kinds="all_vessels")), scores, target, fov=fov)
    table = artery_vein_counts(called_kinds(scores, 0.5), target, fov[:, 0], missing="half")
    assert found["accuracy"] == pytest.approx(artery_vein_accuracy(table.sum(dim=0)).item())
    means = scored(ArteryVeinMetric(Protocol(kinds="all_vessels", pooling="per_image")), scores, target, fov=fov)
    assert means["accuracy"] == pytest.approx(artery_vein_accuracy(table).mean().item())


def test_each_way_of_choosing_vessel_pixels_gives_its_number_on_a_hand_made_case():
    """One image of 1 x 8 px: artery, artery, artery, vein, vein, crossing, undecided, background."""
    target = torch.tensor([[[[1, 1, 1, 0, 0, 1, 0, 0]], [[0, 0, 0, 1, 1, 1, 0, 0]]]], dtype=torch.bool)
    uncertain = torch.tensor([[[[0, 0, 0, 0, 0, 0, 1, 0]]]], dtype=torch.bool)
    artery = [0.9, 0.8, 0.2, 0.1, 0.7, 0.6, 0.9, 0.1]  # the third is missed, the fifth wrong
    vein = [0.1, 0.2, 0.1, 0.8, 0.3, 0.5, 0.1, 0.2]
    scores = torch.tensor([[[artery], [vein]]])

    def found(scores=scores, **rules):
        return scored(ArteryVeinMetric(Protocol(**rules)), scores, target, uncertain=uncertain)

    assert found(kinds="intersection")["accuracy"] == pytest.approx(3 / 4)
    assert found(kinds="intersection")["balanced_accuracy"] == pytest.approx((2 / 2 + 1 / 2) / 2)
    assert found(kinds="intersection")["found"] == pytest.approx(4 / 5)
    assert found(kinds="all_vessels")["accuracy"] == pytest.approx((3 + 0.5) / 5)
    pixels = torch.tensor(artery[:6] + vein[:6])  # the six labelled vessel pixels, both outputs
    wanted = [1, 1, 1, 0, 0, 1, 0, 0, 0, 1, 1, 1]
    assert found(kinds="authors")["roc_auc"] == pytest.approx(roc_auc_score(wanted, pixels), abs=1e-9)
    # the two graphs: a crossing is artery to the first and vein to the second
    graphs = torch.cat([scores, scores], dim=1)
    wide = graph_targets(target)[0][:, 0, :6].flatten()
    both = torch.tensor(2 * (artery[:6] + vein[:6])).reshape(4, 6).flatten()
    assert found(graphs, kinds="authors")["roc_auc"] == pytest.approx(roc_auc_score(wide, both), abs=1e-9)


def test_trees_are_scored_against_all_else_in_a_shrunken_field():
    scores, target, _ = batch(5, channels=2, count=1)
    fov = torch.zeros(1, 1, 24, 20, dtype=torch.bool)
    fov[..., 2:20, 1:18] = True
    inner = torch.zeros(24, 20, dtype=torch.bool)
    inner[5:17, 4:15] = True
    found = scored(ArteryVeinMetric(Protocol(kinds="tree")), scores, target, fov=fov)
    for place, name in enumerate(("artery", "vein")):
        expected = roc_auc_score(target[0, place][inner], scores[0, place][inner])
        assert found[f"{name}_roc_auc"] == pytest.approx(expected, abs=1e-9)


def test_labels_without_kinds_are_refused():
    scores, target, fov = batch(6, channels=2)
    with pytest.raises(ValueError, match="vessel-only"):
        scored(ArteryVeinMetric(), scores, target & False, fov=fov)
    with pytest.raises(ValueError, match="or 4 for 'authors'"):
        ArteryVeinMetric()(torch.zeros(1, 4, 24, 20), target[:1])
    with pytest.raises(ValueError, match="give a threshold"):
        ArteryVeinMetric(ORACLE)


def test_the_oracle_has_no_centre_lines():
    scores, target, fov = batch(4)
    assert "cl_dice" not in scored(VesselSegmentationMetric(ORACLE), scores, target, fov=fov)
    assert "cl_dice" in scored(VesselSegmentationMetric(), scores, target, fov=fov)
