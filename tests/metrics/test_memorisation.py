from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from monai_fundusgen.metrics.functional.memorisation import dice_with_each, nearest_dice
from tests.reference.soft_dice import soft_dice


def maps(count, size=32, seed=0):
    """Soft random maps with an empty margin."""
    rng = np.random.default_rng(seed)
    found = ndimage.gaussian_filter(rng.normal(size=(count, 2, size, size)), (0, 0, 1.5, 1.5)) > 0.1
    found[..., :8] = found[..., -8:] = found[..., :8, :] = found[..., -8:, :] = 0
    return ndimage.uniform_filter(found.astype(float), (1, 1, 2, 2))


def test_a_copy_is_found_with_dice_one():
    gallery = maps(6)
    found = nearest_dice(gallery[4], gallery)
    assert (found.index, found.flipped, found.rotation_deg, found.shift_px) == (4, False, 0.0, (0, 0))
    assert found.dice == pytest.approx(1.0)


@pytest.mark.parametrize("shift", [(0, 0), (3, -5), (-6, 6)])
@pytest.mark.parametrize("flipped", [False, True])
def test_a_moved_and_mirrored_copy_is_found_and_its_pose_told(shift, flipped):
    gallery = maps(5)
    copy = np.roll(gallery[2], (-shift[0], -shift[1]), axis=(1, 2))
    found = nearest_dice(copy[..., ::-1] if flipped else copy, gallery)
    assert (found.index, found.flipped, found.shift_px) == (2, flipped, shift)
    assert found.dice == pytest.approx(1.0)


def test_a_turn_is_undone_counter_clockwise():
    gallery = np.zeros((1, 1, 33, 33))
    gallery[0, 0, 4:16, 15:18] = 1  # points up
    leaning_right = ndimage.rotate(gallery[0], -90, axes=(-1, -2), reshape=False, order=1)
    assert leaning_right[0, 16, 24] == pytest.approx(1)  # now points right: a quarter turn back is counter-clockwise
    found = nearest_dice(leaning_right, gallery, flips=(False,), rotations_deg=(-90.0, 0.0, 90.0), shifts_px=0)
    assert found.rotation_deg == 90.0
    assert found.dice == pytest.approx(1.0)


def test_it_equals_the_search_over_all_shifts():
    gallery, one = maps(3, seed=1), maps(1, seed=7)[0]
    found = nearest_dice(one, gallery, flips=(False, True), rotations_deg=(0.0,), shifts_px=3)
    best = max(
        soft_dice(np.roll(pose, (r, c), axis=(1, 2)), other)
        for pose in (one, one[..., ::-1])
        for other in gallery
        for r in range(-3, 4)
        for c in range(-3, 4)
    )
    assert found.dice == pytest.approx(best)


def test_each_gallery_map_is_met_in_its_own_best_pose():
    gallery, one = maps(4, seed=2), maps(1, seed=8)[0]
    poses = {"flips": (False, True), "rotations_deg": (-4.0, 0.0), "shifts_px": 3}
    alone = [nearest_dice(one, gallery[place : place + 1], **poses).dice for place in range(4)]
    assert np.allclose(dice_with_each(one, gallery, **poses), alone)
    with pytest.raises(ValueError, match="gallery of shape"):
        dice_with_each(one[:1], gallery)


def test_nothing_wraps_round():
    gallery, one = np.zeros((1, 1, 16, 16)), np.zeros((1, 16, 16))
    gallery[0, 0, :, 0] = one[0, :, -1] = 1
    assert nearest_dice(one, gallery, flips=(False,), rotations_deg=(0.0,), shifts_px=6).dice == pytest.approx(0)
    assert nearest_dice(one, gallery, flips=(False,), rotations_deg=(0.0,), shifts_px=15).dice == pytest.approx(1)


def test_an_empty_map_resembles_nothing_and_shapes_are_checked():
    gallery = maps(2)
    assert nearest_dice(np.zeros_like(gallery[0]), gallery).dice == pytest.approx(0, abs=1e-9)
    with pytest.raises(ValueError, match="gallery of shape"):
        nearest_dice(gallery[0][:1], gallery)
    with pytest.raises(ValueError, match="shifts_px=40"):
        nearest_dice(gallery[0], gallery, shifts_px=40)
