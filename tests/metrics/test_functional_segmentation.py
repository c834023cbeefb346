from __future__ import annotations

import numpy as np
import pytest
import torch

from monai_fundusgen.metrics.functional.segmentation import (
    accuracy,
    binary_counts,
    centre_line_counts,
    dice,
    matthews,
    precision,
    sensitivity,
    specificity,
)
from monai_fundusgen.vessels.skeleton import thin
from tests.reference import vessel_drawings as drawn


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
