from __future__ import annotations

import numpy as np
import pytest

from monai_fundusgen.conventions import ARTERY, VEIN
from monai_fundusgen.vessels.tracing.links import pieces_of
from monai_fundusgen.vessels.tracing.loops import loop_parts, with_crossings
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


def strokes(*ends):
    """Straight paths between two points each, at pixels and a half so that no points coincide; all ends free."""
    points = [np.linspace(a, b, 2 * int(np.hypot(*np.subtract(b, a))) + 1) for a, b in ends]
    sizes = [len(part) for part in points]
    return KindPaths(
        np.concatenate(points),
        np.ones(sum(sizes)),
        np.append(0, np.cumsum(sizes)),
        np.arange(2 * len(ends)).reshape(-1, 2),
    )


def test_vessels_of_a_kind_share_a_node_where_they_cross_and_of_two_kinds_do_not():
    cross = strokes(((0.3, 10.2), (20.3, 10.2)), ((10.1, 0.4), (10.1, 20.4)))
    joined, kind = with_crossings(cross, np.array([VEIN, VEIN]))
    assert kind.tolist() == [VEIN] * 4
    shared = np.flatnonzero(np.bincount(joined.nodes.ravel()) == 4)
    assert len(shared) == 1
    at = joined.points_rc[joined.ends[joined.nodes == shared[0]]]
    assert np.ptp(at, axis=0).max() == 0 and np.abs(at[0] - (10.1, 10.2)).max() < 0.5
    apart, kind = with_crossings(cross, np.array([ARTERY, VEIN]))
    assert len(apart.nodes) == 2 and kind.tolist() == [ARTERY, VEIN]


def test_vessels_that_share_a_node_already_are_left():
    fork = strokes(((0.0, 0.0), (10.0, 10.0)), ((0.0, 0.0), (10.0, -10.0)))
    fork.nodes[:] = [[0, 1], [0, 2]]
    assert with_crossings(fork, np.array([ARTERY, ARTERY]))[0].nodes.tolist() == fork.nodes.tolist()


def test_three_vessels_through_one_point_come_to_one_piece():
    star = strokes(((0, 5), (10, 5)), ((5, 0), (5, 10)), ((0, 0), (10, 10)))
    joined, _ = with_crossings(star, np.full(3, ARTERY))
    assert set(pieces_of(star)) == {0, 1, 2} and set(pieces_of(joined)) == {0}
    assert np.bincount(joined.nodes.ravel()).tolist()[:6] == [1] * 6


def test_a_loop_that_a_crossing_closes_is_found():
    """A stem, and a branch that springs from it and comes back across."""
    bow = [((0.2, 0.2), (30.2, 0.2)), ((5.2, 0.2), (5.2, 12.2)), ((5.2, 12.2), (25.2, -8.2))]
    stem_and_bow = strokes(*bow)
    stem_and_bow, _, (node,) = stem_and_bow.split_at(np.array([10]))
    stem_and_bow.nodes[2, 0] = node
    stem_and_bow.nodes[3, 0] = stem_and_bow.nodes[2, 1]
    assert not loop_parts(stem_and_bow, 1000).any()
    crossed, _ = with_crossings(stem_and_bow, np.full(4, VEIN))
    assert loop_parts(crossed, 1000).sum() == 1
