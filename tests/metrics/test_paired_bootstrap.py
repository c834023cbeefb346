"""Differences with intervals: hand values, and scipy where there is one seed."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from monai_fundusgen.metrics.functional.paired_bootstrap import paired_bootstrap


def rng():
    return np.random.default_rng(0)


def test_a_difference_that_is_the_same_everywhere_has_no_interval():
    base = np.random.default_rng(1).random((3, 12))
    found = paired_bootstrap(base + 0.25, base, rng())
    assert (found.value, found.low, found.high) == pytest.approx((0.25, 0.25, 0.25))


def test_two_images_by_hand():
    """Means of two draws of 0 and 1 are 0, 1/2, 1 with chances 1/4, 1/2, 1/4."""
    scores = np.array([[0.0, 1.0]])
    wide = paired_bootstrap(scores, np.zeros((1, 2)), rng())
    assert (wide.value, wide.low, wide.high) == (0.5, 0.0, 1.0)
    narrow = paired_bootstrap(scores, np.zeros((1, 2)), rng(), level=0.4)
    assert (narrow.low, narrow.high) == (0.5, 0.5)


def test_with_one_seed_it_is_scipys():
    draws = np.random.default_rng(2)
    scores, base = draws.normal(0.8, 0.05, (1, 40)), draws.normal(0.78, 0.05, (1, 40))
    ours = paired_bootstrap(scores, base, rng(), draws=20_000)
    theirs = stats.bootstrap(
        ((scores - base)[0],), np.mean, n_resamples=20_000, method="percentile", rng=np.random.default_rng(3)
    ).confidence_interval
    assert ours.value == pytest.approx(float((scores - base).mean()))
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=1e-3)


def test_seeds_that_disagree_widen_the_interval_whatever_the_number_of_images():
    images = np.zeros((2, 500))
    agreeing = paired_bootstrap(images + 0.1, images, rng())
    disagreeing = paired_bootstrap(images + np.array([[0.0], [0.2]]), images, rng())
    assert agreeing.high - agreeing.low < 1e-12
    assert (disagreeing.value, disagreeing.low, disagreeing.high) == pytest.approx((0.1, 0.0, 0.2))


def test_an_image_without_the_score_is_left_out_of_both():
    scores, base = np.array([[1.0, np.nan, 1.0]]), np.array([[0.0, 0.0, 0.0]])
    assert paired_bootstrap(scores, base, rng()).value == 1


@pytest.mark.parametrize("scores", [np.zeros((1, 3)), np.full((1, 2), np.nan), np.zeros((0, 2))])
def test_nothing_to_compare_is_refused(scores):
    with pytest.raises(ValueError, match="paired_bootstrap"):
        paired_bootstrap(scores, np.zeros((len(scores), 2)), rng())
