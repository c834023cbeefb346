"""Pixels of a stretch of vessel vote on its kind."""

import numpy as np

from monai_fundusgen.transforms.segment_kind import stretches, vote_kinds


def fork():
    """A trunk, 3 px wide, that forks into two branches; (H, W) bool."""
    vessel = np.zeros((60, 60), dtype=bool)
    vessel[29:32, 5:30] = True
    for k in range(25):
        vessel[28 - k : 32 - k, 28 + k : 31 + k] = vessel[29 + k : 33 + k, 28 + k : 31 + k] = True
    return vessel


def test_a_fork_has_three_stretches_and_every_vessel_pixel_belongs_to_one():
    number = stretches(fork())
    assert ((number > 0) == fork()).all() and number.max() == 3
    ends = (number[30, 8], number[8, 50], number[53, 50])
    assert sorted(ends) == [1, 2, 3]


def test_the_majority_of_a_stretch_decides_and_its_neighbours_keep_their_kind():
    vessel, number = fork(), stretches(fork())
    trunk, upper = number[30, 8], number[8, 50]
    artery = np.where(number == upper, 0.2, 0.9)
    artery[(number == trunk) & (np.arange(60)[None] < 12)] = 0.3  # the first third of the trunk says vein
    chance = np.stack([artery * vessel, (1 - artery) * vessel, np.where(vessel, 0.8, 0.1)]).astype(np.float32)
    voted = vote_kinds(chance)
    said_artery = voted[0] > voted[1]
    assert (said_artery[vessel] == (number != upper)[vessel]).all()
    assert np.allclose(np.sort(voted[:2], axis=0), np.sort(chance[:2], axis=0)) and (voted[2] == chance[2]).all()


def test_below_the_threshold_nothing_changes_and_an_empty_map_is_no_error():
    chance = np.random.default_rng(0).random((3, 20, 20)).astype(np.float32)
    chance[2] *= 0.4
    assert (vote_kinds(chance) == chance).all()
    assert not stretches(np.zeros((5, 5), dtype=bool)).any()


def test_a_dot_without_a_centre_line_of_its_own_is_no_error():
    vessel = np.zeros((9, 9), dtype=bool)
    vessel[4, 4] = True
    assert (stretches(vessel) > 0).sum() == 1
