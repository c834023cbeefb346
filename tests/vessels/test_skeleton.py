from __future__ import annotations

import numpy as np
import pytest

from monai_fundusgen.vessels.calibre import distance_on
from monai_fundusgen.vessels.skeleton import (
    centre_line_on,
    end_points,
    neighbour_count,
    prune_spurs,
    thin,
)
from tests.reference import vessel_drawings as drawn


def pieces_and_holes(mask):
    background = np.pad(~mask, 1, constant_values=True)
    return drawn.flood_fill_pieces(mask, drawn.EIGHT), drawn.flood_fill_pieces(background, drawn.FOUR) - 1


def pruned(mask, **options):
    line = thin(mask)
    return prune_spurs(line, distance_on(mask, line), **options)


@pytest.mark.parametrize("seed", range(4))
def test_thinning_and_pruning_keep_pieces_and_holes(seed):
    mask = drawn.blobs(seed)
    assert pieces_and_holes(thin(mask)) == pieces_and_holes(mask)
    assert pieces_and_holes(pruned(mask)) == pieces_and_holes(mask)


@pytest.mark.parametrize("seed", range(4))
def test_a_centre_line_has_no_removable_pixel_and_lies_inside(seed):
    mask = drawn.blobs(seed)
    line = thin(mask)
    assert not (line & ~mask).any()
    assert np.array_equal(thin(line), line)
    for r, c in np.argwhere(line):  # by definition: without the pixel a piece or a hole more, or it is an end
        without = line.copy()
        without[r, c] = False
        window = np.s_[max(0, r - 1) : r + 2, max(0, c - 1) : c + 2]
        if line[window].sum() > 2:
            ring = without[window]
            open_side = (
                pieces_and_holes(ring)[0] != 1 or line[window][np.abs(np.indices(ring.shape) - 1).sum(0) == 1].all()
            )
            assert open_side


def test_neighbours_are_counted_as_by_hand():
    rng = np.random.default_rng(0)
    line = rng.random((20, 17)) < 0.3
    padded = np.pad(line, 1)
    by_hand = sum(np.roll(padded, shift, axis=(0, 1)).astype(int) for shift in drawn.EIGHT)[1:-1, 1:-1]
    assert np.array_equal(neighbour_count(line), np.where(line, by_hand, 0))


def test_a_bifurcation_has_three_ends_and_one_junction():
    line = pruned(drawn.bifurcation())
    assert end_points(line).sum() == 3
    assert drawn.flood_fill_pieces(neighbour_count(line) >= 3, drawn.EIGHT) == 1


def test_a_bar_thins_to_a_line_without_branches():
    for width in (1, 2, 5, 9, 14):
        line = pruned(drawn.bar(width))
        assert end_points(line).sum() == 2
        assert neighbour_count(line).max() <= 2


def test_a_bump_is_no_branch_and_a_long_twig_is():
    for twig, ends in ((2, 2), (20, 3)):
        mask = drawn.bar(7)
        mask[27 : 27 + twig, 40:42] = True
        assert end_points(pruned(mask)).sum() == ends


def test_pruning_does_not_eat_vessels():
    line = thin(drawn.bar(9))
    assert pruned(drawn.bar(9)).sum() >= line.sum() - 9


def test_empty_and_full_and_single_pixel():
    assert thin(np.zeros((5, 6), dtype=bool)).sum() == 0
    assert thin(np.ones((6, 9), dtype=bool)).any()
    dot = np.zeros((5, 5), dtype=bool)
    dot[0, 4] = True
    assert np.array_equal(pruned(dot), dot)


def test_the_same_grid_gives_the_centre_line():
    mask = drawn.blobs(1)
    assert np.array_equal(centre_line_on(mask, *mask.shape), thin(mask))


@pytest.mark.parametrize("size", [100, 61, 32])
def test_a_thin_tree_stays_in_one_piece_where_a_threshold_breaks_it(size):
    mask = drawn.draw([([(10, 20), (120, 63), (240, 90)], 2), ([(120, 63), (200, 230)], 1.5)], size=256)
    assert drawn.flood_fill_pieces(centre_line_on(mask, size, size), drawn.EIGHT) == 1


def test_coarse_pixels_lie_over_fine_ones():
    mask = np.zeros((9, 12), dtype=bool)
    mask[7, 10] = True
    assert np.argwhere(centre_line_on(mask, 3, 4)).tolist() == [[2, 3]]
