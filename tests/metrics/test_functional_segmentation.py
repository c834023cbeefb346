from __future__ import annotations

import runpy
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from monai_fundusgen.metrics.functional.segmentation import (
    accuracy,
    artery_vein_accuracy,
    artery_vein_counts,
    average_precision,
    best_dice_threshold,
    binary_counts,
    centre_line_counts,
    dice,
    matthews,
    precision,
    roc_auc,
    score_histogram,
    score_table,
    sensitivity,
    specificity,
    table_of_histogram,
)
from monai_fundusgen.vessels.skeleton import thin

drawn = SimpleNamespace(**runpy.run_path(str(Path(__file__).parents[1] / "reference" / "vessel_drawings.py")))


def scores_and_labels(seed, size=200, levels=20):
    """Scores with many ties."""
    rng = torch.Generator().manual_seed(seed)
    labels = torch.rand(size, generator=rng) < 0.3
    scores = (0.6 * torch.rand(size, generator=rng) + 0.4 * labels * torch.rand(size, generator=rng)) * levels
    return scores.floor() / levels, labels


def test_counts_on_a_hand_drawn_row():
    pred = torch.tensor([[1, 1, 0, 0, 1, 0]], dtype=torch.bool)
    target = torch.tensor([[1, 0, 1, 0, 1, 0]], dtype=torch.bool)
    fov = torch.tensor([[1, 1, 1, 1, 1, 0]], dtype=torch.bool)  # the last pixel is outside
    assert binary_counts(pred, target, fov).tolist() == [2, 1, 1, 1]


def test_scores_of_counts_by_definition():
    counts = torch.tensor([6, 2, 3, 9])
    assert dice(counts).item() == pytest.approx(12 / 17)
    assert sensitivity(counts).item() == pytest.approx(6 / 9)
    assert specificity(counts).item() == pytest.approx(9 / 11)
    assert precision(counts).item() == pytest.approx(6 / 8)
    assert accuracy(counts).item() == pytest.approx(15 / 20)
    labels = np.repeat([[1, 1], [1, 0], [0, 1], [0, 0]], counts.tolist(), axis=0)  # prediction, target
    assert matthews(counts).item() == pytest.approx(np.corrcoef(labels.T)[0, 1])


def test_scores_without_anything_to_score():
    assert torch.isnan(dice(torch.tensor([0, 0, 0, 5])))
    assert torch.isnan(sensitivity(torch.tensor([0, 2, 0, 5])))
    assert matthews(torch.tensor([0, 0, 3, 5])).item() == 0.0


def test_counts_add_up_over_a_batch_and_pixels_outside_never_count():
    rng = torch.Generator().manual_seed(0)
    pred, target, fov = (torch.rand(3, 9, 8, generator=rng) < 0.5 for _ in range(3))
    counts = binary_counts(pred, target, fov)
    assert counts.sum(dim=-1).tolist() == fov.sum(dim=(1, 2)).tolist()
    assert torch.equal(binary_counts(pred ^ ~fov, target, fov), counts)


def test_kinds_on_a_hand_drawn_row():
    #                artery             vein
    target = torch.tensor([[[1, 1, 0, 0, 1]], [[0, 0, 1, 1, 1]]], dtype=torch.bool)  # last pixel: crossing
    pred = torch.tensor([[[1, 0, 1, 0, 1]], [[0, 1, 0, 1, 0]]], dtype=torch.bool)
    everywhere = torch.ones(1, 5, dtype=torch.bool)
    assert artery_vein_counts(pred, target, everywhere).tolist() == [[1, 1], [1, 1]]


def test_missing_and_double_predictions_count_half_or_not_at_all():
    #                 right  missed  both  wrong  unknown
    target = torch.tensor([[[1, 1, 1, 0, 0]], [[0, 0, 0, 1, 0]]], dtype=torch.bool)
    pred = torch.tensor([[[1, 0, 1, 1, 1]], [[0, 0, 1, 0, 0]]], dtype=torch.bool)
    everywhere = torch.ones(1, 5, dtype=torch.bool)
    assert artery_vein_counts(pred, target, everywhere).tolist() == [[1, 0], [1, 0]]
    half = artery_vein_counts(pred, target, everywhere, missing="half")
    assert half.tolist() == [[2, 1], [1, 0]]
    assert artery_vein_accuracy(half).item() == pytest.approx(0.5)
    with pytest.raises(ValueError, match="missing='zero'"):
        artery_vein_counts(pred, target, everywhere, missing="zero")


@pytest.mark.parametrize("seed", range(3))
def test_roc_area_is_the_share_of_pairs_in_order(seed):
    scores, labels = scores_and_labels(seed)
    higher = scores[labels][:, None] - scores[~labels][None, :]
    pairs = ((higher > 0).double() + (higher == 0).double() / 2).mean().item()
    table = score_table(scores, labels, torch.ones_like(labels))
    assert roc_auc(table) == pytest.approx(pairs, abs=1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_average_precision_by_walking_down_the_thresholds(seed):
    scores, labels = scores_and_labels(seed)
    area, before = 0.0, 0.0
    for threshold in sorted(set(scores.tolist()), reverse=True):
        called = scores >= threshold
        recall = (called & labels).sum().item() / labels.sum().item()
        area += (recall - before) * (called & labels).sum().item() / called.sum().item()
        before = recall
    assert average_precision(score_table(scores, labels, torch.ones_like(labels))) == pytest.approx(area, abs=1e-12)


def test_areas_see_only_the_field_and_only_the_order():
    scores, labels = scores_and_labels(5)
    fov = torch.rand(200, generator=torch.Generator().manual_seed(1)) < 0.7
    table = score_table(scores, labels, fov)
    assert roc_auc(score_table(torch.where(fov, scores, 1 - scores), labels, fov)) == roc_auc(table)
    assert roc_auc(score_table(scores.exp(), labels, fov)) == roc_auc(table)
    assert np.isnan(roc_auc(score_table(scores, labels & False, fov)))


def test_a_histogram_with_a_bin_per_level_gives_the_exact_areas_and_adds_up():
    scores, labels = scores_and_labels(2, levels=16)
    everywhere = torch.ones_like(labels)
    first, second = (score_histogram(scores[s], labels[s], everywhere[s], bins=16) for s in (np.s_[:90], np.s_[90:]))
    table, exact = table_of_histogram(first + second), score_table(scores, labels, everywhere)
    assert roc_auc(table) == pytest.approx(roc_auc(exact))
    assert average_precision(table) == pytest.approx(average_precision(exact))


def test_best_threshold_by_trying_all():
    scores, labels = scores_and_labels(3)
    everywhere = torch.ones_like(labels)[None]
    tried = {t: dice(binary_counts((scores >= t)[None], labels[None], everywhere)).item() for t in set(scores.tolist())}
    threshold, best = best_dice_threshold(score_table(scores, labels, everywhere[0]))
    assert best == pytest.approx(max(tried.values()))
    assert tried[threshold] == pytest.approx(best)
    with pytest.raises(ValueError, match="no vessel pixel"):
        best_dice_threshold(score_table(scores, labels & False, everywhere[0]))


def test_cl_dice_of_a_map_with_itself_is_one_and_a_missing_branch_costs_its_length():
    whole = drawn.cross(90, 5)
    part = drawn.draw([([(28, 28), (100, 100)], 5)]) & whole
    assert centre_line_counts(whole, whole).cl_dice() == 1.0
    assert centre_line_counts(whole, np.roll(drawn.bar(3, size=128), 3) & ~whole).cl_dice() == 0.0
    counts = centre_line_counts(part, whole)
    assert counts.pred == counts.pred_inside == thin(part).sum()
    assert counts.cl_dice() == pytest.approx(2 * counts.target_inside / (counts.target + counts.target_inside))
    assert np.isnan(centre_line_counts(whole & False, whole).cl_dice())


def test_cl_dice_does_not_mind_the_width_and_dice_does():
    thin_bar, thick_bar = drawn.bar(3), np.roll(drawn.bar(9), -3, axis=0)
    assert centre_line_counts(thick_bar, thin_bar).cl_dice() == 1.0
    counts = binary_counts(*(torch.from_numpy(m) for m in (thick_bar, thin_bar, np.ones_like(thin_bar))))
    assert dice(counts).item() == pytest.approx(0.5)
