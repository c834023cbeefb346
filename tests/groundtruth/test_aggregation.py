"""Laws of merging frames."""

import numpy as np
import pytest

from monai_fundusgen.groundtruth.aggregation import (
    RULES,
    aggregate,
    hysteresis,
    kth_largest,
    mean,
    support,
    without_small,
)


@pytest.fixture
def frames():
    rng = np.random.default_rng(0)
    probabilities = rng.random((6, 40, 50)).astype(np.float32)
    return probabilities, rng.random((6, 40, 50)) > 0.2


def test_against_a_loop(frames):
    probabilities, valid = frames
    found = kth_largest(probabilities, valid, 3)
    for row, column in [(0, 0), (13, 7), (39, 49)]:
        shown = sorted(probabilities[valid[:, row, column], row, column], reverse=True)
        assert found[row, column] == (shown[min(3, len(shown)) - 1] if shown else 0)


def test_the_maximum_finds_whatever_the_mean_finds_and_ranks_are_ordered(frames):
    first, second, third = (aggregate(*frames, rule) for rule in RULES[:3])
    assert (first >= second).all() and (second >= third).all() and (first >= mean(*frames) - 1e-6).all()


def test_all_frames_alike_give_that_frame(frames):
    probabilities = np.repeat(frames[0][:1], 6, axis=0)
    for rule in RULES:
        assert np.allclose(aggregate(probabilities, np.ones_like(frames[1]), rule), probabilities[0], atol=1e-6)


def test_the_order_of_frames_does_not_matter(frames):
    probabilities, valid = frames
    for rule in RULES:
        assert np.allclose(aggregate(probabilities, valid, rule), aggregate(probabilities[::-1], valid[::-1], rule))


def test_one_noisy_frame_does_not_enter_the_second_largest(frames):
    probabilities, _ = frames
    valid = np.ones_like(frames[1])
    calm = np.minimum(probabilities, 0.3)
    wild = calm.copy()
    wild[2] = 1.0
    assert (kth_largest(wild, valid, 1) == 1).all()
    assert (kth_largest(wild, valid, 2) <= 0.3).all()


def test_what_no_frame_shows_is_no_vessel(frames):
    probabilities, valid = frames
    valid = valid.copy()
    valid[:, 5, 5] = False
    for rule in RULES:
        assert aggregate(probabilities, valid, rule)[5, 5] == 0
    assert support(np.ones_like(probabilities), valid, reach_px=0)[5, 5] == 0


def test_adding_frames_never_lowers_support_or_the_kth_largest(frames):
    probabilities, valid = frames
    before, after = support(probabilities[:4], valid[:4]), support(probabilities, valid)
    assert (after >= before).all() and after.max() <= 6
    shown = np.ones_like(valid)
    for k in (1, 2, 3):
        assert (kth_largest(probabilities, shown, k) >= kth_largest(probabilities[:4], shown[:4], k)).all()


def test_support_reaches_over_the_error_of_registration():
    probabilities = np.zeros((2, 9, 9), np.float32)
    probabilities[0, :, 3], probabilities[1, :, 4] = 1, 1
    valid = np.ones_like(probabilities, dtype=bool)
    assert support(probabilities, valid, reach_px=0).max() == 1
    assert (support(probabilities, valid)[:, 3:5] == 2).all()


def test_hysteresis_lies_between_its_two_thresholds(frames):
    plane = frames[0][0]
    found = hysteresis(plane, low=0.6, high=0.95)
    assert (found <= (plane >= 0.6)).all() and (found >= (plane >= 0.95)).all()
    assert np.array_equal(hysteresis(plane, low=0.7, high=0.7), plane >= np.float32(0.7))


def test_small_components_go_and_large_ones_stay_whole():
    mask = np.zeros((20, 20), bool)
    mask[2, 2:6] = True
    np.fill_diagonal(mask[8:18, 8:18], True)  # ten pixels that touch at corners only
    kept = without_small(mask, 10)
    assert not kept[:6].any() and kept.sum() == 10


@pytest.mark.parametrize("call", [
    lambda p, v: aggregate(p, v, "median"), lambda p, v: kth_largest(p, v, 0), lambda p, v: mean(p, v[:3]),
    lambda p, v: support(p, v.astype(int)), lambda p, v: hysteresis(p[0], low=0.8, high=0.2),
    lambda p, v: mean(p[:0], v[:0]),
])  # fmt: skip
def test_impossible_arguments_are_refused(frames, call):
    with pytest.raises(ValueError, match=r"expected"):
        call(*frames)
