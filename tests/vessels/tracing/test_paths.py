from __future__ import annotations

import numpy as np
import pytest

from monai_fundusgen.vessels.tracing.paths import KindPaths, VesselPaths


def line(a, b, radii, node=0):
    count = len(radii)
    return KindPaths(
        np.linspace(a, b, count), np.array(radii, float), np.array([0, count]), np.array([[node, node + 1]])
    )


@pytest.mark.parametrize("size", [32, 64, 256])
def test_a_vessel_has_the_same_place_and_area_at_every_size(size):
    paths = VesselPaths(line((10, 4), (20, 27), [1.5] * 9), line((5, 5), (5, 25), [0.7] * 9), 32)
    label = paths.label(size)
    rows, columns = np.nonzero(label[0])
    assert ((rows + 0.5) * 32 / size - 0.5).mean() == pytest.approx(15, abs=0.15)
    assert ((columns + 0.5) * 32 / size - 0.5).mean() == pytest.approx(15.5, abs=0.15)
    length = np.hypot(10, 23)
    assert label[0].mean() * 32**2 == pytest.approx(3 * length + np.pi * 1.5**2, rel=0.06)
    assert label[1].any() and not (label[0] & label[1]).any()


def test_the_width_changes_evenly_along_an_edge():
    label = VesselPaths(line((16, 4), (16, 28), [1, 4]), line((2, 2), (2, 3), [1, 1]), 32).label(256)[0]
    widths = label[:, 64:192:32].sum(axis=0) / 8
    assert np.diff(widths) == pytest.approx(np.full(3, 6 / 24 * 4), abs=0.3)


def test_cuts_drop_lone_points_and_make_free_ends():
    paths = line((0, 0), (0, 9), [1.0] * 10)
    keep = np.array([1, 1, 1, 0, 1, 0, 0, 1, 1, 1], bool)
    cut = paths.cut(keep)
    assert cut.offsets.tolist() == [0, 3, 6]
    assert cut.points_rc[:, 1].tolist() == [0, 1, 2, 7, 8, 9]
    assert cut.nodes[0, 0] == 0 and cut.nodes[1, 1] == 1
    assert len(cut.free_ends().point) == 4
    assert len(paths.cut(np.zeros(10, bool)).offsets) == 1


def test_kept_paths_are_unchanged():
    both = KindPaths(np.arange(10.0).reshape(5, 2), np.ones(5), np.array([0, 2, 5]), np.array([[0, 1], [1, 2]]))
    second = both.kept(np.array([False, True]))
    assert second.points_rc.tolist() == both.points_rc[2:].tolist()
    assert second.nodes.tolist() == [[1, 2]] and second.offsets.tolist() == [0, 3]
    assert both.lengths_px == pytest.approx([np.sqrt(8), 2 * np.sqrt(8)])


def test_a_ring_and_a_shared_node_have_no_free_ends():
    triangle = np.array([[0, 0], [0, 4], [4, 4], [0, 0]], float)
    ring = KindPaths(triangle, np.ones(4), np.array([0, 4]), np.array([[7, 7]]))
    assert not len(ring.free_ends().point)
    ring.points_rc[0] += 1
    ring.join()
    assert ring.points_rc[[0, -1]].tolist() == [[0.5, 0.5]] * 2
