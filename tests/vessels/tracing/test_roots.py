"""Trunks joined on the disc: one tree of each kind, and nothing else changed."""

from __future__ import annotations

import numpy as np
import pytest

from monai_fundusgen.vessels.tracing.links import pieces_of
from monai_fundusgen.vessels.tracing.paths import KindPaths
from monai_fundusgen.vessels.tracing.roots import join_at_disc

DISC, RADIUS = (60.0, 60.0), 13.0
UPPER, LOWER = ((5, 50), (50, 58), 3.0), ((72, 62), (115, 50), 2.0)


def paths_of(*lines):
    """One path with two points a pixel for each (a_rc, b_rc, radius), all ends free."""
    parts = [np.linspace(a, b, int(2 * np.hypot(*np.subtract(b, a))) + 1) for a, b, _ in lines]
    sizes = [len(part) for part in parts]
    radius = np.repeat([float(one[2]) for one in lines], sizes)
    nodes = np.arange(2 * len(lines)).reshape(-1, 2)
    return KindPaths(np.concatenate(parts), radius, np.append(0, np.cumsum(sizes)), nodes)


def pieces(paths):
    return len(set(pieces_of(paths).tolist()))


def test_two_trunks_become_one_tree_by_an_arc_on_the_disc():
    before = paths_of(UPPER, LOWER)
    after = join_at_disc(before, DISC, RADIUS)
    assert pieces(before) == 2 and pieces(after) == 1 and len(after.nodes) == 3
    arc = after.points_rc[after.offsets[2] : after.offsets[3]]
    assert np.hypot(*(arc - np.array(DISC)).T).max() < 1.2 * RADIUS
    np.testing.assert_allclose(arc[[0, -1]], [(72, 62), (50, 58)], atol=1e-9)
    assert np.allclose(after.radius_px[after.offsets[2] : after.offsets[3]], 2.0)


def test_the_arc_leaves_and_arrives_without_a_corner():
    after = join_at_disc(paths_of(UPPER, LOWER), DISC, RADIUS)
    arc = after.points_rc[after.offsets[2] : after.offsets[3]]
    for step, way in ((arc[1] - arc[0], (-43, 12)), (arc[-1] - arc[-2], (-45, -8))):
        assert step @ way / np.hypot(*step) / np.hypot(*way) > 0.9


def test_five_trunks_hang_on_the_largest():
    more = [((60, 75), (60, 118), 1.5), ((60, 46), (60, 5), 1.5), ((70, 70), (110, 110), 1.0)]
    after = join_at_disc(paths_of(UPPER, LOWER, *more), DISC, RADIUS)
    assert pieces(after) == 1


@pytest.mark.parametrize(
    "other",
    [
        ((95, 60), (118, 60), 2.0),  # ends off the disc
        ((58, 66), (58, 76), 0.5),  # a twig
    ],
)
def test_what_is_no_trunk_at_the_disc_stays(other):
    before = paths_of(UPPER, other)
    after = join_at_disc(before, DISC, RADIUS)
    assert pieces(after) == 2 and np.array_equal(before.points_rc, after.points_rc)


@pytest.mark.parametrize(("lines", "disc"), [((UPPER, LOWER), (np.nan, np.nan)), ((UPPER,), DISC), ((), DISC)])
def test_without_a_disc_or_a_second_trunk_nothing_changes(lines, disc):
    none = KindPaths(np.zeros((0, 2)), np.zeros(0), np.zeros(1, np.int64), np.zeros((0, 2), np.int64))
    before = paths_of(*lines) if lines else none
    assert join_at_disc(before, disc, RADIUS) is before


def test_joining_twice_joins_nothing_more():
    once = join_at_disc(paths_of(UPPER, LOWER), DISC, RADIUS)
    assert join_at_disc(once, DISC, RADIUS) is once
