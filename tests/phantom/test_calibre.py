import numpy as np
import pytest

from monai_fundusgen.conventions import ARTERY
from monai_fundusgen.phantom.anatomy import Anatomy, Normal, draw_constitution
from monai_fundusgen.phantom.calibre import path_lengths, radii_um, summed_upwards
from monai_fundusgen.phantom.flow import frame_of
from monai_fundusgen.phantom.refine import Tree
from monai_fundusgen.phantom.tree import grow_retina

FRAME = frame_of(draw_constitution(Anatomy(), np.random.default_rng(0)), 6.0)


def one_vessel(start, end, steps=30):
    xy = np.linspace(start, end, steps)
    zeros = np.zeros(steps, np.uint8)
    return Tree(xy, np.arange(-1, steps - 1, dtype=np.int32), zeros, zeros, zeros)


def test_sums_and_ways_go_along_the_tree():
    parent = np.array([-1, 0, 1, 1, 2, 2], np.int32)
    xy = np.array([(0, 0), (3, 4), (3, 5), (4, 4), (3, 6), (5, 5)], float)
    assert path_lengths(xy, parent).tolist() == [0, 5, 6, 6, 7, 8]
    assert summed_upwards(parent, np.array([0, 0, 0, 1.0, 1, 1])).tolist() == [3, 3, 2, 1, 1, 1]


def test_a_trunk_without_branches_does_not_divide_by_zero():
    tree = one_vessel((4.7, -0.4), (2.0, -2.5))
    radius, leaves = radii_um(tree, FRAME, (48.0, 61.0), (2.3, 2.1))
    assert (leaves == 1).all() and np.isfinite(radius).all() and (radius > 0).all()


def test_a_vessel_that_leaves_the_domain_keeps_its_calibre_and_a_leaf_narrows():
    far = FRAME.centre_x + FRAME.radius - 0.05
    leaving, _ = radii_um(
        one_vessel((FRAME.disc_x, FRAME.disc_y), (far, FRAME.centre_y)), FRAME, (48.0, 61.0), (2.3, 2.1)
    )
    ending, _ = radii_um(one_vessel((4.7, -0.4), (2.0, -2.5)), FRAME, (48.0, 61.0), (2.3, 2.1))
    assert leaving[-1] == leaving[0] and leaving[0] > 20
    assert 0.5 * ending[0] < ending[-1] < 0.8 * ending[0]


def test_temporal_roots_have_the_radius_asked_for():
    from dataclasses import replace

    anatomy = replace(Anatomy(), vein_root_um=Normal(60.0, 0.0), artery_to_vein=Normal(0.8, 0.0))
    radius = []
    for seed in range(12):
        graph = grow_retina(seed, anatomy=anatomy).graph
        roots = np.flatnonzero((graph.parent < 0) & (graph.quadrant < 2))
        for kind in (0, 1):
            mine = roots[graph.kind[roots] == kind]
            radius.append([kind, *np.sort(graph.radius_um[mine])[-2:]])
    radius = np.array(radius)
    assert radius[radius[:, 0] == ARTERY, 1:].mean() == pytest.approx(48.0, rel=0.08)
    assert radius[radius[:, 0] == 1, 1:].mean() == pytest.approx(60.0, rel=0.08)
