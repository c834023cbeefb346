from __future__ import annotations

import numpy as np
import pytest

from monai_fundusgen.vessels.tracing.links import distal_rank, piece_lengths_px, pieces_of, unseen_share, ways_on
from monai_fundusgen.vessels.tracing.paths import KindPaths

DARK = np.zeros((64, 64), np.float32)


def paths_of(*lines, radius=0.5):
    """One path of 21 points for each pair (a_rc, b_rc), all ends free."""
    points = np.concatenate([np.linspace(a, b, 21) for a, b in lines])
    count = len(lines)
    return KindPaths(
        points, np.full(len(points), radius), 21 * np.arange(count + 1), np.arange(2 * count).reshape(-1, 2)
    )


def links_of(paths, seen=DARK, away=None, **options):
    away = np.zeros(len(paths.points_rc)) if away is None else away
    return ways_on(paths, away, seen, reach_px=6.0, **options)


TRUNK = ((10, 30), (50, 30))


def test_paths_that_share_a_node_are_one_piece():
    paths = paths_of(((0, 0), (0, 10)), ((0, 10), (5, 20)), ((30, 0), (30, 7)))
    paths.nodes[:] = [[0, 1], [1, 2], [3, 4]]
    assert pieces_of(paths).tolist() == [0, 0, 1]
    assert piece_lengths_px(paths) == pytest.approx([10 + np.hypot(5, 10)] * 2 + [7])


def test_a_branch_finds_the_wall_that_it_points_at():
    links = links_of(paths_of(TRUNK, ((30, 10), (30, 26))))
    assert links.point[0] == 41 and not links.end_on[0]
    assert np.hypot(*(paths_of(TRUNK).points_rc[links.target[0]] - (30, 30))) <= 1
    assert links.outward[0] == pytest.approx([0, 1])
    assert links.unseen[0] == pytest.approx(3, abs=0.05)  # from wall to tip


@pytest.mark.parametrize(
    "branch",
    [
        ((30, 10), (30, 20)),  # too far
        ((12, 26), (40, 26)),  # beside
        ((30, 26), (30, 10)),  # its other end is near: that one points away
    ],
)
def test_no_way_leads_far_aside_or_back(branch):
    links = links_of(paths_of(TRUNK, branch))
    assert not (links.point == 41).any()


def test_a_trace_in_the_map_shortens_a_link_and_darkness_does_not():
    paths = paths_of(TRUNK, ((30, 10), (30, 22)))
    faint = DARK.copy()
    faint[28:33, 20:34] = 0.05
    assert not len(links_of(paths).point)
    assert links_of(paths, faint).unseen[0] == pytest.approx(0, abs=0.3)
    assert unseen_share(faint, np.array([[30.0, 23.0]]), np.array([[30.0, 28.0]])) == pytest.approx(0, abs=1e-6)
    assert unseen_share(faint, np.array([[5.0, 23.0]]), np.array([[5.0, 28.0]])) == pytest.approx(1)


def test_ends_meet_only_face_to_face():
    facing = links_of(paths_of(((30, 5), (30, 20)), ((30, 24), (30, 50))))
    assert facing.end_on[0] and {int(facing.point[0]), int(facing.target[0])} == {20, 21}
    assert facing.arrival[0] == pytest.approx(-facing.outward[0])
    aside = links_of(paths_of(((30, 5), (30, 20)), ((30, 24), (50, 24))))
    assert not aside.end_on[np.isin(aside.point, [20]) & np.isin(aside.target, [21])].any()


def test_no_way_leads_into_the_piece_itself():
    paths = paths_of(((30, 5), (30, 20)), ((30, 24), (30, 50)))
    paths.nodes[:] = [[0, 1], [2, 0]]
    assert not len(links_of(paths).point)


def test_the_end_that_is_nearer_the_disc_is_cheaper():
    paths = paths_of(TRUNK, ((30, 34), (30, 50)), ((10, 54), (50, 54)))  # a fragment between two trunks
    away = np.hypot(*(paths.points_rc - (30, 0)).T)
    near, far = links_of(paths, away=away), links_of(paths, away=away.max() - away)
    assert near.point[0] == 21 and far.point[0] == 41
    assert distal_rank(away, np.repeat(pieces_of(paths), 21))[[21, 41]].tolist() == [0, 1]


def test_links_come_cheapest_first():
    cost = links_of(paths_of(TRUNK, ((30, 10), (30, 26)), ((20, 34), (22, 60)))).cost
    assert len(cost) > 2 and (np.diff(cost) >= 0).all()


def test_without_paths_there_are_no_links():
    none = KindPaths(np.zeros((0, 2)), np.zeros(0), np.zeros(1, np.int64), np.zeros((0, 2), np.int64))
    assert not len(links_of(none).point)
