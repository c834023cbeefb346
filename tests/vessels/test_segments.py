"""An eye's graph as segments: the same vessels, in pixels."""

import numpy as np
import pytest

from monai_fundusgen.conventions import ARTERY, KINDS
from monai_fundusgen.phantom.anatomy import Anatomy
from monai_fundusgen.phantom.morphometry import measure
from monai_fundusgen.phantom.tree import grow_retina
from monai_fundusgen.vessels.segments import eye_segments
from monai_fundusgen.vessels.tracing.paths import KindPaths
from monai_fundusgen.vessels.tracing.traced_eye import oriented


@pytest.fixture(scope="module")
def eye():
    return grow_retina(2, anatomy=Anatomy(finest_level=2))


def test_segments_are_as_long_as_the_graph_inside_the_field(eye):
    for kind in range(len(KINDS)):
        found = eye_segments(eye, kind, 1024)
        length_mm = found.lengths_px.sum() * eye.field.pixel_mm(1024)
        assert length_mm == pytest.approx(measure(eye).length_mm[kind], rel=0.01)
        assert (found.points_rc[found.offsets[:-1]] == found.node_rc[found.segment_nodes[:, 0]]).all()
        assert (found.points_rc[found.offsets[1:] - 1] == found.node_rc[found.segment_nodes[:, 1]]).all()
        assert not (found.degree == 2).any()  # trees: bifurcations and ends


def test_at_half_the_size_everything_is_half(eye):
    large, small = (eye_segments(eye, ARTERY, size) for size in (1024, 512))
    assert small.lengths_px == pytest.approx(large.lengths_px / 2)
    assert small.width_px == pytest.approx(large.width_px / 2)


def test_paths_become_trees_from_the_disc_outwards_and_a_loop_is_cut_once():
    """A stem from the disc, two ways round a loop, a branch beyond it, and a piece that hangs on nothing."""
    lines = [
        ([(0, 0), (0, 1), (0, 2)], (7, 3)),
        ([(0, 4), (1, 3), (0, 2)], (5, 3)),
        ([(0, 2), (-1, 3), (-1, 3.5), (0, 4)], (3, 5)),
        ([(0, 4), (0, 6)], (5, 9)),
        ([(5, 5), (5, 6)], (1, 2)),
    ]
    points = np.array([point for line, _ in lines for point in line], float)
    offsets = np.append(0, np.cumsum([len(line) for line, _ in lines]))
    paths = KindPaths(points, np.ones(len(points)), offsets, np.array([nodes for _, nodes in lines]))
    order, parent = oriented(paths, (0.0, -1.0))
    assert (parent < np.arange(len(parent))).all() and (parent < 0).sum() == 2
    assert points[order[0]].tolist() == [0, 0]
    edges = {tuple(sorted((tuple(points[order[i]]), tuple(points[order[p]])))) for i, p in enumerate(parent) if p >= 0}
    drawn = {tuple(sorted((tuple(a), tuple(b)))) for line, _ in lines for a, b in zip(line, line[1:], strict=False)}
    assert edges == {tuple(sorted((tuple(map(float, a)), tuple(map(float, b))))) for a, b in drawn}
    places = [tuple(points[one]) for one in order]
    assert places.count((0.0, 4.0)) == 2 and len(places) == len(set(places)) + 1
