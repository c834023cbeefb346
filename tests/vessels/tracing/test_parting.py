"""Arteries and veins moved apart where they run inside one another, and nowhere else."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial import cKDTree

from monai_fundusgen.phantom.tree import grow_retina
from monai_fundusgen.vessels.drawing import rasterise
from monai_fundusgen.vessels.tracing.parting import parted
from monai_fundusgen.vessels.tracing.paths import KindPaths, VesselPaths
from monai_fundusgen.vessels.tracing.vectorise import vectorise


def line(a, b, radius):
    points = np.linspace(a, b, int(2 * np.hypot(*np.subtract(b, a))) + 1)
    return KindPaths(points, np.full(len(points), float(radius)), np.array([0, len(points)]), np.array([[0, 1]]))


def distances(artery, vein):
    """From each arterial point to the nearest venous one."""
    return cKDTree(vein.points_rc).query(artery.points_rc)[0]


@pytest.mark.parametrize(("apart", "offset"), [(1.0, 0.5), (1.2, 0.5), (1.2, 1.5)])
def test_vessels_that_run_inside_one_another_come_to_lie_side_by_side(apart, offset):
    artery, vein = parted(line((20, 10), (20, 90), 1.0), line((20 + offset, 10), (20 + offset, 90), 2.0), apart=apart)
    between = distances(artery, vein)[20:-20]
    assert between.min() > 0.9 * apart * 3 and between.max() < 1.05 * apart * 3


def test_the_thinner_one_moves_farther_and_each_to_its_own_side():
    thin, wide = line((20, 10), (20, 90), 0.5), line((20.5, 10), (20.5, 90), 2.0)
    artery, vein = parted(thin, wide)
    gone, went = 20 - artery.points_rc[40:-40, 0], vein.points_rc[40:-40, 0] - 20.5
    assert (gone > 0).all() and (went > 0).all()
    np.testing.assert_allclose(gone / went, 4, rtol=0.2)


def test_vessels_that_cross_steeply_or_lie_apart_stay():
    across = line((20, 10), (20, 90), 1.0), line((5, 50), (35, 50), 2.0)
    beside = line((20, 10), (20, 90), 1.0), line((24, 10), (24, 90), 2.0)
    for artery, vein in (across, beside):
        for before, after in zip((artery, vein), parted(artery, vein), strict=True):
            np.testing.assert_array_equal(before.points_rc, after.points_rc)


def test_vessels_that_cross_at_a_small_angle_cross_still_and_share_less():
    artery, vein = line((20, 10), (26, 90), 1.5), line((26, 10), (20, 90), 1.5)
    moved = parted(artery, vein)
    before, after = (VesselPaths(*pair, 100).label(400) for pair in ((artery, vein), moved))
    assert 0 < after.all(axis=0).sum() < 0.7 * before.all(axis=0).sum()
    assert moved[0].points_rc[0, 0] < moved[1].points_rc[0, 0]
    assert moved[0].points_rc[-1, 0] > moved[1].points_rc[-1, 0]


def test_branches_stay_on_their_junctions_and_radii_as_they_are():
    stem = line((20, 10), (20, 90), 1.0).split_at(np.array([80]))[0]
    vein = line((20.6, 10), (20.6, 90), 2.0)
    moved, _ = parted(stem, vein)
    assert moved.nodes.tolist() == stem.nodes.tolist()
    np.testing.assert_array_equal(moved.radius_px, stem.radius_px)
    node = stem.nodes[0, 1]
    at = moved.points_rc[moved.ends[moved.nodes == node]]
    assert len(at) == 2 and np.ptp(at, axis=0).max() == 0


def test_one_kind_alone_and_no_distance_change_nothing():
    none = KindPaths(np.zeros((0, 2)), np.zeros(0), np.zeros(1, np.int64), np.zeros((0, 2), np.int64))
    artery, vein = line((20, 10), (20, 90), 1.0), line((20.5, 10), (20.5, 90), 2.0)
    assert parted(artery, none)[0] is artery
    assert parted(artery, vein, apart=0)[1] is vein


def test_a_phantom_which_parts_its_kinds_itself_hardly_moves():
    eye = grow_retina(3)
    paths = vectorise(rasterise(eye, 256).coverage.clip(0, 1))
    moved = VesselPaths(*parted(paths.artery, paths.vein, apart=1.2), paths.size)
    before, after = paths.label(1024), moved.label(1024)
    assert after.all(axis=0).sum() <= before.all(axis=0).sum()
    for kind in ("artery", "vein"):
        went = np.hypot(*(getattr(moved, kind).points_rc - getattr(paths, kind).points_rc).T)
        assert np.median(went) < 0.05 and went.max() < 5
