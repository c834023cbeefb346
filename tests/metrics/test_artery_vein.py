from __future__ import annotations

import pytest
import torch

from monai_fundusgen.metrics.functional.artery_vein import (
    artery_vein_accuracy,
    artery_vein_counts,
    called_kinds,
    graph_targets,
    kind_sensitivities,
)


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


def test_one_kind_a_vessel_pixel_and_both_at_a_tie():
    scores = torch.tensor([[[0.9, 0.6, 0.4, 0.7]], [[0.1, 0.8, 0.3, 0.7]]])
    assert called_kinds(scores, 0.5).int().tolist() == [[[1, 0, 0, 1]], [[0, 1, 0, 1]]]
    with_vessel = torch.cat([scores, torch.tensor([[[0.2, 0.9, 0.6, 0.1]]])])
    assert called_kinds(with_vessel, 0.5).int().tolist() == [[[0, 0, 1, 0]], [[0, 1, 0, 0]]]


def test_each_graph_has_one_class_a_vessel_pixel():
    vessels = torch.tensor([[[1, 0, 1, 0]], [[0, 1, 1, 0]]], dtype=torch.bool)  # artery, vein, crossing, background
    targets = graph_targets(vessels)
    assert targets.int().tolist() == [[[1, 0, 1, 0]], [[0, 1, 0, 0]], [[1, 0, 0, 0]], [[0, 1, 1, 0]]]
    assert torch.equal(targets[:2].sum(dim=0), vessels.any(dim=0).long())
    assert torch.equal(targets[2:].sum(dim=0), vessels.any(dim=0).long())


def test_sensitivity_of_each_kind():
    assert kind_sensitivities(torch.tensor([[3.0, 1.0], [0.0, 2.0]])).tolist() == [0.75, 1.0]
