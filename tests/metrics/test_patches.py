from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from monai_fundusgen.metrics.functional.patches import PatchGallery
from tests.reference.soft_dice import soft_dice


def maps(count, size=32, seed=0):
    """Soft random maps of thin lines."""
    noise = ndimage.gaussian_filter(np.random.default_rng(seed).normal(size=(count, 2, size, size)), (0, 0, 1.5, 1.5))
    return np.clip(1 - np.abs(noise) / 0.05, 0, 1)


@pytest.mark.parametrize("place", [(0, 0), (5, 11), (16, 16)])
@pytest.mark.parametrize("flipped", [False, True])
def test_a_planted_quarter_is_found_where_it_was_taken(place, flipped):
    gallery, query = maps(5), maps(1, seed=9)[0]
    row, column = place
    query[:, 16:, :16] = gallery[3][:, row : row + 16, column : column + 16]
    found = PatchGallery(gallery).nearest(query[..., ::-1] if flipped else query, rotations_deg=(0.0,))
    assert (found.index, found.flipped, found.place_rc, found.window_rc) == (3, flipped, place, (16, 0))
    assert found.dice == pytest.approx(1)


def test_it_equals_the_search_over_all_places():
    gallery, query = maps(2, 16), maps(1, 16, seed=4)[0]
    found = PatchGallery(gallery).nearest(query, flips=(False,), rotations_deg=(0.0,))
    windows = [query[:, r : r + 8, c : c + 8] for r, c in ((0, 0), (0, 8), (8, 0), (8, 8), (4, 4))]
    best = max(
        soft_dice(window, one[:, r : r + 8, c : c + 8])
        for window in windows for one in gallery for r in range(9) for c in range(9)
    )  # fmt: skip
    assert found.dice == pytest.approx(best)


def test_each_gallery_map_is_searched_alone():
    gallery, query = maps(4), maps(1, seed=4)[0]
    alone = [PatchGallery(gallery[place : place + 1]).nearest(query).dice for place in range(4)]
    assert np.allclose(PatchGallery(gallery).dice_with_each(query), alone)
    assert (PatchGallery(gallery).dice_with_each(np.zeros_like(query)) == -1).all()


def test_empty_windows_resemble_nothing():
    gallery = maps(2)
    gallery[:, :, :, 16:] = 0
    found = PatchGallery(gallery).nearest(np.zeros_like(gallery[0]))
    assert (found.dice, found.index) == (-1.0, -1)
    with pytest.raises(ValueError, match=r"expected \(C, 32, 32\)"):
        PatchGallery(gallery).nearest(np.zeros((2, 16, 16)))
    with pytest.raises(ValueError, match="G >= 1"):
        PatchGallery(gallery[:0])
