from __future__ import annotations

import runpy
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from monai_fundusgen.vessels.shrink import centre_line_on
from monai_fundusgen.vessels.skeleton import thin

drawn = SimpleNamespace(**runpy.run_path(str(Path(__file__).parents[1] / "reference" / "vessel_drawings.py")))


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
