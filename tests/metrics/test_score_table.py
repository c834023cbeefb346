from __future__ import annotations

import warnings

import numpy as np
import pytest
import torch
from sklearn.metrics import average_precision_score, roc_auc_score

from monai_fundusgen.metrics.functional.score_table import (
    average_precision,
    best_dice_threshold,
    counts_from,
    rank_table,
    roc_auc,
    score_table,
)
from monai_fundusgen.metrics.functional.segmentation import binary_counts, dice


def scores_and_labels(seed, size=200, levels=20):
    """Scores with many ties."""
    rng = torch.Generator().manual_seed(seed)
    labels = torch.rand(size, generator=rng) < 0.3
    scores = (0.6 * torch.rand(size, generator=rng) + 0.4 * labels * torch.rand(size, generator=rng)) * levels
    return scores.floor() / levels, labels


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


def test_best_threshold_by_trying_all():
    scores, labels = scores_and_labels(3)
    everywhere = torch.ones_like(labels)[None]
    tried = {t: dice(binary_counts((scores >= t)[None], labels[None], everywhere)).item() for t in set(scores.tolist())}
    threshold, best = best_dice_threshold(score_table(scores, labels, everywhere[0]))
    assert best == pytest.approx(max(tried.values()))
    assert tried[threshold] == pytest.approx(best)
    with pytest.raises(ValueError, match="no vessel pixel"):
        best_dice_threshold(score_table(scores, labels & False, everywhere[0]))


def drawn_scores(case):
    """Scores (N,) float32 and labels (N,) bool, all of them awkward in one way."""
    rng = torch.Generator().manual_seed(len(case))
    labels = torch.rand(3000, generator=rng) < 0.1
    scores = torch.rand(3000, generator=rng) * 0.5 + labels * torch.rand(3000, generator=rng) * 0.5
    return {
        "random": (scores, labels),
        "many ties": ((scores * 20).round() / 20, labels),
        "constant": (torch.full_like(scores, 0.3), labels),
        "separable": (labels.float() + scores / 2, labels),
        "reversed": (-scores, labels),
        "next floats": (torch.full_like(scores, 0.5).nextafter(scores), labels),
        "one positive": (scores, torch.arange(3000) == 7),
        "one negative": (scores, torch.arange(3000) != 7),
    }[case]


CASES = ["random", "many ties", "constant", "separable", "reversed", "next floats", "one positive", "one negative"]


@pytest.mark.parametrize("case", CASES)
def test_areas_equal_those_of_scikit_learn(case):
    scores, labels = drawn_scores(case)
    table = score_table(scores, labels, torch.ones_like(labels))
    assert roc_auc(table) == pytest.approx(roc_auc_score(labels, scores), abs=1e-9)
    assert average_precision(table) == pytest.approx(average_precision_score(labels, scores), abs=1e-9)


def test_areas_of_one_class_alone():
    scores = torch.rand(50, generator=torch.Generator().manual_seed(0))
    none = scores[:0]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert np.isnan(roc_auc_score(np.ones(50), scores)) and average_precision_score(np.ones(50), scores) == 1
    only_positives, only_negatives = rank_table(scores, none), rank_table(none, scores)
    assert np.isnan(roc_auc(only_positives)) and average_precision(only_positives) == 1
    assert np.isnan(roc_auc(only_negatives)) and np.isnan(average_precision(only_negatives))  # scikit-learn warns: 0


def test_scores_that_bytes_would_tie_are_told_apart():
    low = torch.tensor(0.5)
    high = low.nextafter(torch.tensor(1.0))
    assert roc_auc(rank_table(high.expand(9), low.expand(9))) == 1.0
    assert roc_auc(rank_table(high.half().float().expand(9), low.expand(9))) == 0.5


def test_scores_that_are_no_numbers_are_refused():
    with pytest.raises(ValueError, match="scores hold NaN"):
        rank_table(torch.tensor([0.5, float("nan")]), torch.zeros(2))


def test_counts_at_a_threshold():
    assert counts_from(torch.tensor([0.2, 0.5, 0.9]), torch.tensor([0.1, 0.5]), 0.5).tolist() == [2, 1, 1, 1]
