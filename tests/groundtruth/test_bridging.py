"""A gap is bridged where two frames show it, and nowhere else."""

import numpy as np
import pytest

from monai_fundusgen.groundtruth.bridging import bridge_gaps


@pytest.fixture
def broken():
    """A vessel of 3 px with a gap of 8, what the frames think of the gap, and their support."""
    mask = np.zeros((60, 100), bool)
    mask[29:32, 5:45] = mask[29:32, 53:95] = True
    probability = np.where(mask, 0.9, 0.02).astype(np.float32)
    probability[30, 45:53] = 0.35
    support = np.where(mask, 4, 0).astype(np.uint8)
    support[29:32, 45:53] = 2
    return mask, probability, support


def test_a_gap_that_two_frames_show_is_closed_as_wide_as_the_vessel(broken):
    mask, probability, support = broken
    bridged, count = bridge_gaps(mask, probability, support)
    assert count >= 1 and bridged[30, 5:95].all() and (bridged >= mask).all()
    assert 2 <= bridged[:, 48].sum() <= 3 and not (bridged & ~mask)[:26].any()


def test_what_one_frame_shows_stays_open(broken):
    mask, probability, support = broken
    support[:, 45:53] = 1
    bridged, count = bridge_gaps(mask, probability, support)
    assert count == 0 and np.array_equal(bridged, mask)


def test_a_gap_that_is_too_long_stays_open(broken):
    assert bridge_gaps(*broken, longest_px=6)[1] == 0


def test_an_end_does_not_turn_aside_to_a_parallel_vessel(broken):
    mask, probability, support = broken
    mask[:, 53:] = False
    mask[40:43, 5:95] = True
    support[:] = 9
    assert bridge_gaps(mask, probability, support, longest_px=15)[1] == 0
