"""Kinds of branches become planes; a crossing is both, an open branch is neither."""

import numpy as np
import pytest

from monai_fundusgen.conventions import ARTERY, VEIN
from monai_fundusgen.groundtruth.kinds import BranchKinds
from monai_fundusgen.groundtruth.labelling import branch_owners, label_branches
from monai_fundusgen.vessels.graph import vessel_graph


@pytest.fixture
def crossing():
    """A vertical vessel over a horizontal one, both 5 px wide."""
    mask = np.zeros((101, 101), bool)
    mask[48:53, 5:96] = mask[5:96, 48:53] = True
    return mask, vessel_graph(mask)


def kinds_of(graph, horizontal, vertical):
    """Log-odds by the direction of each branch."""
    middle = graph.points_rc[(graph.offsets[:-1] + graph.offsets[1:]) // 2]
    across = np.abs(middle[:, 0] - 50) < np.abs(middle[:, 1] - 50)
    return BranchKinds(np.where(across, horizontal, vertical).astype(float))


def test_every_vessel_pixel_has_one_branch(crossing):
    mask, graph = crossing
    owners = branch_owners(mask, graph)
    assert ((owners >= 0) == mask).all() and set(owners[mask]) <= set(range(graph.num_segments))


def test_a_crossing_is_both_and_nothing_is_lost(crossing):
    mask, graph = crossing
    label = label_branches(mask, graph, kinds_of(graph, 4, -4))
    assert np.array_equal(label.vessels.any(axis=0), mask) and not label.uncertain.any()
    assert label.vessels[:, 49:52, 49:52].all()
    both = label.vessels.all(axis=0)
    assert 15 <= both.sum() <= 81
    assert label.vessels[ARTERY, 50, 5:96].all() and label.vessels[VEIN, 5:96, 50].all()
    assert not label.vessels[VEIN, 50, 10:35].any() and not label.vessels[ARTERY, 10:35, 50].any()


def test_vessels_of_one_kind_do_not_cross(crossing):
    mask, graph = crossing
    label = label_branches(mask, graph, kinds_of(graph, 4, 4))
    assert np.array_equal(label.vessels[ARTERY], mask) and not label.vessels[VEIN].any()


def test_an_uncertain_branch_is_in_neither_plane_but_has_a_likelier_kind(crossing):
    mask, graph = crossing
    label = label_branches(mask, graph, kinds_of(graph, 4, -0.5))
    assert label.uncertain[10:40, 50].all() and not label.vessels[:, 10:40, 50].any()
    assert label.likelier[VEIN, 10:40, 50].all() and not label.likelier[ARTERY, 10:40, 50].any()
    assert not (label.uncertain & label.vessels.any(axis=0)).any()
    assert np.array_equal(label.uncertain | label.vessels.any(axis=0), mask)


def test_confidence_is_that_of_the_branch(crossing):
    mask, graph = crossing
    label = label_branches(mask, graph, kinds_of(graph, 2, -3))
    assert label.confidence[50, 10] == pytest.approx(1 / (1 + np.exp(-2)), abs=1e-6)
    assert (label.confidence[~mask] == 0).all()


def test_an_empty_map_has_an_empty_label():
    mask = np.zeros((40, 40), bool)
    graph = vessel_graph(mask)
    label = label_branches(mask, graph, BranchKinds(np.zeros(0)))
    assert not label.vessels.any() and not label.uncertain.any() and label.confidence.max() == 0
