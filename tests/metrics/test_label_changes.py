from __future__ import annotations

import numpy as np
import pytest

from monai_fundusgen.conventions import ARTERY_CODE, CROSSING_CODE, VEIN_CODE
from monai_fundusgen.metrics.functional.label_changes import LabelChanges, label_changes
from tests.reference.label_drawings import HEIGHT, WIDTH, cross


def fork():
    """An artery with one bifurcation: three branches."""
    codes = np.zeros((HEIGHT, WIDTH), np.uint8)
    codes[40:45, 10:70] = ARTERY_CODE
    for step in range(55):
        codes[40 - step // 2 : 44 - step // 2, 68 + step] = ARTERY_CODE
        codes[41 + step // 2 : 45 + step // 2, 68 + step] = ARTERY_CODE
    return codes


def test_equal_maps_have_no_change():
    assert label_changes(cross(), cross()) == LabelChanges(0, 0, 0, 0)
    assert not label_changes(cross(), cross()).any


def test_pixels_are_counted_by_what_they_were_and_are():
    after = cross()
    after[0, :7] = VEIN_CODE  # 7 added
    after[40:45, 10:12] = 0  # 10 removed
    after[42, 60:64] = ARTERY_CODE  # 4 crossings unmade
    changes = label_changes(cross(), after)
    assert changes == LabelChanges(7, 10, 4, 0)
    assert changes.any
    assert label_changes(after, cross()) == LabelChanges(10, 7, 4, 0)


def test_a_vessel_flipped_over_its_crossing_is_one_branch():
    """The crossing cuts neither of the two, whatever becomes of its pixels."""
    for crossing in (CROSSING_CODE, VEIN_CODE):
        after = cross()
        after[after == ARTERY_CODE] = VEIN_CODE
        after[after == CROSSING_CODE] = crossing
        assert label_changes(cross(), after).flipped_branches == 1


@pytest.mark.parametrize("turned", [0, 1, 2, 3])
def test_each_branch_of_a_fork_counts_by_itself(turned):
    parts = [(slice(None), slice(0, 66)), (slice(0, 42), slice(74, None)), (slice(44, None), slice(74, None))]
    after = fork()
    for part in parts[:turned]:
        after[part] = np.where(after[part] > 0, VEIN_CODE, 0)
    assert label_changes(fork(), after).flipped_branches == turned


@pytest.mark.parametrize(("share", "flipped"), [(0.3, 0), (0.7, 1)])
def test_more_than_half_of_a_branch_flips_it(share, flipped):
    before, after = np.zeros((2, HEIGHT, WIDTH), np.uint8)
    before[30:34, 20:120] = VEIN_CODE
    after[30:34, 20:120] = VEIN_CODE
    after[30:34, 20 : 20 + round(100 * share)] = ARTERY_CODE
    assert label_changes(before, after).flipped_branches == flipped


def test_a_blot_that_is_shorter_than_wide_is_no_branch():
    before = np.zeros((HEIGHT, WIDTH), np.uint8)
    before[20:30, 20:26] = ARTERY_CODE
    after = np.where(before > 0, VEIN_CODE, 0).astype(np.uint8)
    assert label_changes(before, after) == LabelChanges(0, 0, 60, 0)


def test_what_gets_both_kinds_or_none_is_not_flipped():
    both, gone = fork(), fork()
    both[both > 0] = CROSSING_CODE
    gone[:] = 0
    assert label_changes(fork(), both).flipped_branches == 0
    assert label_changes(fork(), gone) == LabelChanges(0, int((fork() > 0).sum()), 0, 0)


def test_flipping_there_and_back_counts_the_same():
    after = fork()
    after[after > 0] = VEIN_CODE
    assert label_changes(fork(), after).flipped_branches == label_changes(after, fork()).flipped_branches == 3


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        (np.zeros((4, 5)), np.zeros((5, 4)), "expected two of one size"),
        (np.zeros((1, 4, 5)), np.zeros((1, 4, 5)), "expected two of one size"),
        (np.full((4, 5), 4), np.zeros((4, 5)), "label codes"),
    ],
)
def test_what_is_no_pair_of_label_maps(before, after, told):
    with pytest.raises(ValueError, match=told):
        label_changes(before.astype(np.uint8), after.astype(np.uint8))
