import numpy as np
import pytest

from monai_fundusgen.phantom.crossings import subtree_ends
from monai_fundusgen.phantom.refine import Tree, edge_lengths, heights, in_preorder, prune_twigs, select, smoothed


def tree(xy, parent):
    n = len(parent)
    zeros = np.zeros(n, np.uint8)
    return Tree(np.array(xy, float), np.array(parent, np.int32), zeros, zeros, zeros)


def random_tree(seed, n=200):
    """A random binary tree with edges of 0.1 mm."""
    rng = np.random.default_rng(seed)
    xy, parent, children = [(0.0, 0.0)], [-1], [0]
    while len(parent) < n:
        p = int(rng.integers(len(parent)))
        if children[p] < 2:
            angle = rng.uniform(-1, 1)
            xy.append((xy[p][0] + 0.1 * np.cos(angle), xy[p][1] + 0.1 * np.sin(angle)))
            parent.append(p)
            children[p] += 1
            children.append(0)
    return tree(xy, parent)


def ancestors(parent, i):
    found = []
    while parent[i] >= 0:
        i = parent[i]
        found.append(i)
    return found


@pytest.mark.parametrize("seed", range(4))
def test_preorder_keeps_the_tree_and_makes_subtrees_contiguous(seed):
    before = random_tree(seed)
    after = in_preorder(before)
    place = {tuple(point): i for i, point in enumerate(after.xy.tolist())}
    for i, p in enumerate(before.parent):
        moved = after.parent[place[tuple(before.xy[i])]]
        assert moved == (-1 if p < 0 else place[tuple(before.xy[p])])
    ends = subtree_ends(after.parent)
    for i in range(len(after.parent)):
        assert [j for j in range(len(after.parent)) if i in ancestors(after.parent, j)] == list(range(i + 1, ends[i]))


@pytest.mark.parametrize("seed", range(4))
def test_no_short_twig_is_left_beside_a_vessel_that_goes_on(seed):
    pruned = prune_twigs(random_tree(seed), 0.35)
    length, height = edge_lengths(pruned.xy, pruned.parent), heights(pruned.xy, pruned.parent)
    for node in range(len(pruned.parent)):
        below = np.flatnonzero(pruned.parent == node)
        if len(below) == 2:
            assert (height[below] + length[below] >= 0.35 - 1e-9).all()


def test_of_two_short_twigs_the_straighter_stays():
    ends = [(0, 0), (0.1, 0), (0.2, 0), (0.3, 0.01), (0.25, 0.09)]
    pruned = prune_twigs(tree(ends, [-1, 0, 1, 2, 2]), 0.4)
    assert pruned.xy.tolist() == [list(point) for point in ends[:4]]


def test_select_refuses_orphans():
    with pytest.raises(AssertionError, match="lost its parent"):
        select(tree([(0, 0), (1, 0), (2, 0)], [-1, 0, 1]), np.array([True, False, True]))


def test_smoothing_leaves_straight_vessels_and_all_ends_in_place():
    straight = tree([(0.1 * i, 0.0) for i in range(20)], range(-1, 19))
    fine = smoothed(straight, pieces=3)
    assert len(fine.parent) == 1 + 19 * 3
    assert fine.xy[:, 1] == pytest.approx(0) and np.diff(fine.xy[:, 0]) == pytest.approx(0.1 / 3, abs=2e-6)
    ragged = random_tree(7)
    tips = np.setdiff1d(np.arange(len(ragged.parent)), ragged.parent)
    after = {tuple(point) for point in smoothed(ragged).xy.tolist()}
    assert {tuple(point) for point in np.round(ragged.xy[tips], 6).tolist()} <= after


def test_smoothing_takes_the_corners_out_of_a_vessel():
    angle = np.cumsum(np.random.default_rng(0).uniform(-0.4, 0.4, 60))
    xy = np.cumsum(0.1 * np.stack([np.cos(angle), np.sin(angle)], 1), 0)
    rough = tree(xy, range(-1, 59))

    def sharpest(points):
        step = np.diff(points, axis=0)
        turn = step[:-1, 0] * step[1:, 1] - step[:-1, 1] * step[1:, 0]
        return np.rad2deg(np.arctan2(np.abs(turn), (step[:-1] * step[1:]).sum(1))).max()

    assert sharpest(smoothed(rough).xy) < 9.0 < sharpest(rough.xy)
