import numpy as np
import pytest

from monai_fundusgen.conventions import ARTERY, VEIN
from monai_fundusgen.phantom.crossings import (
    CELL_MM,
    LONGEST_EDGES_MM,
    KnownCrossings,
    close_pairs,
    mark_smaller_subtrees,
    separation_mm,
)
from monai_fundusgen.vessels.intersections import crossing_geometry, edge_grid, intersecting_edges


def lines(*paths):
    """Vessels as one forest; each path is (kind, points)."""
    xy, parent, kind = [], [], []
    for which, points in paths:
        for i, point in enumerate(points):
            parent.append(len(xy) - 1 if i else -1)
            xy.append(point)
            kind.append(which)
    return np.array(xy, float), np.array(parent, np.int32), np.array(kind, np.uint8)


def path(start, end, step=0.03):
    number = int(np.hypot(*np.subtract(end, start)) / step) + 2
    return np.linspace(start, end, number)


@pytest.mark.parametrize("angle_deg", [35.0, 60.0, 90.0])
def test_a_drawn_crossing_is_found_with_its_place_and_angle(angle_deg):
    d = np.array([np.cos(np.deg2rad(angle_deg)), np.sin(np.deg2rad(angle_deg))])
    xy, parent, kind = lines((VEIN, path((-1, 0.003), (1, 0.003))), (ARTERY, path(-0.7 * d, 0.9 * d)))
    pairs = intersecting_edges(xy, parent, kind, edge_grid(xy, CELL_MM), LONGEST_EDGES_MM)
    points, angle = crossing_geometry(xy, parent, pairs)
    assert len(pairs) == 1 and kind[pairs[0]].tolist() == [ARTERY, VEIN]
    assert points[0] == pytest.approx((0.003 / np.tan(np.deg2rad(angle_deg)), 0.003), abs=1e-9)
    assert angle[0] == pytest.approx(angle_deg)


def test_random_edges_intersect_where_an_all_pairs_search_says():
    rng = np.random.default_rng(0)
    start = rng.uniform(0, 1, (400, 2))
    turn = rng.uniform(0, 2 * np.pi, 400)
    end = start + 0.04 * np.stack([np.cos(turn), np.sin(turn)], 1)
    xy, parent, kind = lines(*((i % 2, pair) for i, pair in enumerate(np.stack([start, end], 1))))
    expected = set()
    for i in range(400):
        for j in range(i):
            a, b, c, d = start[i], end[i], start[j], end[j]
            t, s = np.linalg.solve(np.stack([b - a, c - d], 1), c - a)
            if 0 <= t <= 1 and 0 <= s <= 1:
                expected.add(frozenset((2 * i + 1, 2 * j + 1)))
    found = intersecting_edges(xy, parent, kind, edge_grid(xy, CELL_MM), LONGEST_EDGES_MM)
    assert {frozenset(pair) for pair in found.tolist()} == expected and len(expected) > 20


def contacts(gap_mm, crossing=None):
    xy, parent, kind = lines((ARTERY, path((0, 0), (1, 0))), (VEIN, path((0, gap_mm), (1, gap_mm))))
    points = np.array([crossing]) if crossing else np.zeros((0, 2))
    radius = np.full(len(parent), 50.0)
    known = KnownCrossings(points, np.ones(len(points)), np.full(len(points), 0.1))
    return close_pairs(xy, parent, kind, radius, edge_grid(xy, CELL_MM), known)


def test_parallel_artery_and_vein_are_in_contact_below_their_separation():
    limit = separation_mm(50.0, 50.0)
    assert limit == pytest.approx(0.15)
    assert len(contacts(limit + 0.001)) == 0
    assert len(contacts(limit - 0.001)) > 20


def test_a_steep_crossing_excuses_contact_near_it_only():
    near, far = len(contacts(0.12, (0.5, 0.06))), len(contacts(0.12, (9.0, 9.0)))
    assert 0 < near < far


def test_of_two_subtrees_the_smaller_is_marked_whole():
    last = np.array([4, 4, 4, 4, 6, 6], np.int32)
    leaves = np.array([3.0, 3, 2, 1, 9, 9])
    dead = np.zeros(6, bool)
    mark_smaller_subtrees(np.array([[1, 5]], np.int32), leaves, last, dead)
    assert dead.tolist() == [False, True, True, True, False, False]
