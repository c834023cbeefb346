from __future__ import annotations

import numpy as np
import pytest

from monai_fundusgen.vessels.tracing.gaps import bridge_gaps
from monai_fundusgen.vessels.tracing.paths import KindPaths


def paths_of(*lines, radii=(0.5, 0.8, 0.6)):
    """One path of 11 points for each pair (a_rc, b_rc), all ends free."""
    points = np.concatenate([np.linspace(a, b, 11) for a, b in lines])
    count = len(lines)
    return KindPaths(
        points, np.repeat(radii[:count], 11), 11 * np.arange(count + 1), np.arange(2 * count).reshape(-1, 2)
    )


IN_LINE = (((16, 2), (16, 12)), ((16, 16), (16, 28)))


def test_two_ends_that_face_each_other_are_joined_by_a_smooth_path():
    paths = paths_of(*IN_LINE)
    joined = bridge_gaps(paths, longest_px=5)
    assert joined.nodes[-1].tolist() == [1, 2]
    arc, radii = joined.points_rc[joined.offsets[2] :], joined.radius_px[joined.offsets[2] :]
    assert arc[[0, -1]].tolist() == [[16, 12], [16, 16]]
    assert arc[:, 0] == pytest.approx(16) and (np.diff(arc[:, 1]) > 0).all()
    assert radii[0] == 0.5 and radii[-1] == 0.8 and (np.diff(radii) >= 0).all()


@pytest.mark.parametrize(
    ("second", "longest_px"),
    [
        (((16, 16), (16, 28)), 3.5),  # too far
        (((20, 15), (30, 15)), 8.0),  # to the side
        (((16, 28), (16, 16)), 3.9),  # too far, however it is written
        (((17, 13), (18, 2)), 8.0),  # ahead, but it points back
    ],
)
def test_other_ends_are_left(second, longest_px):
    paths = paths_of(IN_LINE[0], second)
    assert len(bridge_gaps(paths, longest_px=longest_px).nodes) == 2


def test_only_gaps_under_the_other_kind_are_closed_if_asked():
    over = np.zeros((32, 32), np.float32)
    paths = paths_of(*IN_LINE)
    assert len(bridge_gaps(paths, longest_px=5, over=over).nodes) == 2
    over[:, 13:16] = 1
    assert len(bridge_gaps(paths, longest_px=5, over=over).nodes) == 3


def test_each_end_is_used_once_the_nearest_first():
    paths = paths_of(IN_LINE[0], ((16, 15), (16, 28)), ((17, 16), (20, 28)))
    joined = bridge_gaps(paths, longest_px=6)
    assert joined.nodes[3:].tolist() == [[1, 2]]


def test_joined_ends_are_free_no_more():
    joined = bridge_gaps(paths_of(*IN_LINE), longest_px=5)
    assert sorted(joined.free_ends().node.tolist()) == [0, 3]
    assert len(bridge_gaps(joined, longest_px=5).nodes) == 3


def test_without_paths_there_are_no_gaps():
    none = KindPaths(np.zeros((0, 2)), np.zeros(0), np.zeros(1, np.int64), np.zeros((0, 2), np.int64))
    assert len(bridge_gaps(none, longest_px=5, over=np.ones((8, 8), np.float32)).nodes) == 0
