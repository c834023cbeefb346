"""Tips of two kinds in one line are drawn apart; nothing else changes."""

from __future__ import annotations

import numpy as np
import pytest

from monai_fundusgen.metrics.functional.kind_flips import kind_flips_rc
from monai_fundusgen.vessels.graph import vessel_graph
from monai_fundusgen.vessels.tracing.paths import KindPaths, VesselPaths
from monai_fundusgen.vessels.tracing.tips import tips_apart

EMPTY = KindPaths(np.empty((0, 2)), np.empty(0), np.array([0]), np.empty((0, 2), np.int64))


def line(a, b, radius=1.0):
    points = np.linspace(a, b, int(2 * np.hypot(*np.subtract(b, a))) + 1)
    return KindPaths(points, np.full(len(points), float(radius)), np.array([0, len(points)]), np.array([[0, 1]]))


def flips(artery, vein):
    """Flips of the label at 512 px, by a measure on pixels that knows nothing of paths."""
    return len(kind_flips_rc(*(vessel_graph(kind) for kind in VesselPaths(artery, vein, 256).label(512)), 512))


@pytest.mark.parametrize("gap", [-2.0, 1.0, 3.0, 4.0])
@pytest.mark.parametrize("radius", [0.8, 1.5])
@pytest.mark.parametrize("aside", [0.0, 1.5, 1.8])
def test_a_vessel_of_two_kinds_becomes_two_vessels(gap, radius, aside):
    artery, vein = line((100, 30), (100, 120), radius), line((100 + aside, 122 + gap), (100 + aside, 220), 1.2)
    assert flips(artery, vein) == 1
    assert flips(*tips_apart(artery, vein)) == 0


def test_the_thinner_of_the_two_ends_earlier_and_only_at_its_tip():
    thin, wide = line((100, 30), (100, 120), 0.7), line((100, 123), (100, 220), 1.5)
    shorter, same = tips_apart(thin, wide)
    np.testing.assert_array_equal(same.points_rc, wide.points_rc)
    np.testing.assert_array_equal(shorter.points_rc, thin.points_rc[: len(shorter.points_rc)])
    assert 4 < thin.lengths_px[0] - shorter.lengths_px[0] < 6


@pytest.mark.parametrize("turn_deg", [-38, 20, 38])
def test_a_vessel_that_turns_where_its_kind_changes_becomes_two(turn_deg):
    way = np.array([np.sin(np.deg2rad(turn_deg)), np.cos(np.deg2rad(turn_deg))])
    artery, vein = line((128, 40), (128, 120), 1.2), line((128, 122) + 0 * way, (128, 122) + 80 * way, 1.2)
    assert flips(artery, vein) == 1
    assert flips(*tips_apart(artery, vein)) == 0


def test_where_a_shortened_tip_points_at_a_third_one_that_ends_earlier_too():
    long, short = line((100, 30), (100, 109)), line((100, 114), (100, 119), 0.7)
    both = KindPaths(
        np.concatenate([long.points_rc, short.points_rc]),
        np.concatenate([long.radius_px, short.radius_px]),
        np.array([0, len(long.points_rc), len(long.points_rc) + len(short.points_rc)]),
        np.array([[0, 1], [2, 3]]),
    )
    assert flips(*tips_apart(both, line((100, 121), (100, 220)))) == 0


def test_the_thinner_is_told_behind_the_tip():
    wide, thin = line((100, 30), (100, 120), 1.5), line((100, 123), (100, 220), 0.7)
    wide.radius_px[-3:] = 0.3  # its tip tapers
    artery, vein = tips_apart(wide, thin)
    assert len(artery.points_rc) == len(wide.points_rc)
    assert len(vein.points_rc) < len(thin.points_rc)


@pytest.mark.parametrize(
    "vein",
    [
        line((100, 130), (100, 220)),  # far enough along the line
        line((106, 122), (106, 220)),  # beside it
        line((102, 122), (180, 122)),  # across
        line((101, 122), (151, 163)),  # turned by 50 degrees
        line((104, 124), (126, 163)),  # one line meets the other's tip, the other misses it
        line((95, 60), (95, 119)),  # side by side, both tips to the same way
        line((60, 80), (140, 80)),  # crossing
    ],
)
def test_tips_that_go_their_own_ways_stay(vein):
    artery = line((100, 30), (100, 120))
    for before, after in zip((artery, vein), tips_apart(artery, vein), strict=True):
        np.testing.assert_array_equal(before.points_rc, after.points_rc)
        np.testing.assert_array_equal(before.nodes, after.nodes)


def test_a_stub_shorter_than_the_loss_goes_and_its_trunk_stays():
    trunk = line((40, 100), (160, 100), 1.5)
    stub = line((100, 100), (100, 104), 0.7)
    joined, _, node = trunk.split_at(np.array([len(trunk.points_rc) // 2]))
    artery = KindPaths(
        np.concatenate([joined.points_rc, stub.points_rc]),
        np.concatenate([joined.radius_px, stub.radius_px]),
        np.append(joined.offsets, joined.offsets[-1] + len(stub.points_rc)),
        np.concatenate([joined.nodes, [[node[0], joined.nodes.max() + 1]]]),
    )
    without, _ = tips_apart(artery, line((100, 106), (100, 200)))
    np.testing.assert_array_equal(without.points_rc, joined.points_rc)


def test_nothing_comes_of_nothing():
    vein = line((100, 30), (100, 120))
    assert tips_apart(EMPTY, vein) == (EMPTY, vein)
