from __future__ import annotations

import numpy as np
import pytest

from monai_fundusgen.vessels.tracing.loops import loop_parts
from monai_fundusgen.vessels.tracing.paths import KindPaths


def edges(*rows):
    """Straight paths (node, node, length, radius) of 11 points; where they lie does not matter to loops."""
    points = np.concatenate([np.linspace((0, 0), (0, length), 11) for _, _, length, _ in rows])
    radius = np.repeat([float(row[3]) for row in rows], 11)
    return KindPaths(points, radius, 11 * np.arange(len(rows) + 1), np.array([row[:2] for row in rows]))


def test_a_tree_has_no_loops():
    assert not loop_parts(edges((0, 1, 3, 1), (1, 2, 3, 1), (1, 3, 3, 1)), 100).any()


def test_the_thinner_of_two_ways_goes():
    assert loop_parts(edges((0, 1, 5, 0.4), (0, 1, 4, 0.9), (1, 2, 9, 0.2)), 12).tolist() == [True, False, False]


def test_of_two_equal_ways_the_longer_goes():
    assert loop_parts(edges((0, 1, 6, 0.5), (0, 1, 4, 0.5)), 12).tolist() == [True, False]


def test_the_thinnest_side_of_a_triangle_goes():
    assert loop_parts(edges((0, 1, 3, 1), (1, 2, 3, 0.3), (2, 0, 3, 1)), 10).tolist() == [False, True, False]


@pytest.mark.parametrize(("longest_px", "goes"), [(0.0, False), (8.9, False), (9.1, True)])
def test_only_loops_up_to_the_length_go(longest_px, goes):
    assert loop_parts(edges((0, 1, 5, 0.4), (0, 1, 4, 0.9)), longest_px).any() == goes


def test_a_small_ring_goes():
    assert loop_parts(edges((0, 0, 6, 1), (1, 1, 20, 1)), 10).tolist() == [True, False]
