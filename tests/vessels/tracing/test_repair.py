from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial import cKDTree

from monai_fundusgen.conventions import ARTERY, VEIN
from monai_fundusgen.phantom.tree import grow_retina
from monai_fundusgen.vessels.drawing import rasterise
from monai_fundusgen.vessels.topology import betti_numbers
from monai_fundusgen.vessels.tracing.links import pieces_of
from monai_fundusgen.vessels.tracing.paths import KindPaths, VesselPaths
from monai_fundusgen.vessels.tracing.repair import PathRepair, repair_paths
from monai_fundusgen.vessels.tracing.vectorise import exact_label, vectorise

SIZE = 64
NONE = KindPaths(np.zeros((0, 2)), np.zeros(0), np.zeros(1, np.int64), np.zeros((0, 2), np.int64))
DARK = np.zeros((2, SIZE, SIZE), np.float32)


def paths_of(*lines):
    """One path with two points a pixel for each (a_rc, b_rc, radius), all ends free."""
    parts = [np.linspace(a, b, int(2 * np.hypot(*np.subtract(b, a))) + 1) for a, b, _ in lines]
    sizes = [len(part) for part in parts]
    radius = np.repeat([float(line[2]) for line in lines], sizes)
    return KindPaths(
        np.concatenate(parts), radius, np.append(0, np.cumsum(sizes)), np.arange(2 * len(lines)).reshape(-1, 2)
    )


def repaired(artery, vein=NONE, soft=DARK, **options):
    return repair_paths(artery, vein, soft, replace(PathRepair(), **options))


def pieces(paths):
    return len(set(pieces_of(paths).tolist())) if len(paths.nodes) else 0


def dice(a, b):
    return min(2 * (x & y).sum() / (x.sum() + y.sum()) for x, y in zip(a, b, strict=True))


def off():
    return PathRepair(attach_px=0, flip_px=0, loop_px=0, speck_px=0)


TRUNK = ((8, 30), (56, 30), 1.5)


def test_a_fragment_is_attached_to_the_trunk_that_it_points_at():
    artery, vein = repaired(paths_of(TRUNK, ((30, 36), (30, 60), 0.5)))
    assert pieces(artery) == 1 and not len(vein.nodes)
    label = VesselPaths(artery, vein, SIZE).label(4 * SIZE)[ARTERY]
    assert betti_numbers(label) == (1, 0)
    assert np.bincount(artery.nodes.ravel()).max() == 3  # the trunk got a node there


def test_a_fragment_far_away_is_left():
    artery, _ = repaired(paths_of(TRUNK, ((30, 45), (30, 60), 0.5)))
    assert pieces(artery) == 2


def test_a_chain_of_fragments_comes_to_the_trunk():
    rows = [((30, 33 + 8 * i), (30, 38 + 8 * i), 0.5) for i in range(3)]
    assert pieces(repaired(paths_of(TRUNK, *rows))[0]) == 1


def test_links_close_no_loop():
    """Of two brackets that face each other with both ends, one pair of ends is joined."""
    left = [((20, 10), (20, 30), 0.5), ((20, 10), (40, 10), 0.5), ((40, 10), (40, 30), 0.5)]
    right = [((20, 54), (20, 34), 0.5), ((20, 54), (40, 54), 0.5), ((40, 54), (40, 34), 0.5)]
    paths = paths_of(*left, *right)
    paths.nodes[:] = [[0, 1], [0, 2], [2, 3], [4, 5], [4, 6], [6, 7]]
    artery, _ = repaired(paths)
    assert pieces(artery) == 1
    assert len(artery.nodes) == len(np.unique(artery.nodes)) - 1  # a tree


def test_a_short_vein_that_goes_on_as_an_artery_becomes_one():
    artery, vein = repaired(paths_of(((30, 4), (30, 40), 0.8)), paths_of(((30, 41), (30, 55), 0.8)))
    assert pieces(artery) == 1 and not len(vein.nodes)


def test_the_lighter_part_takes_the_kind_of_the_heavier():
    vein, artery = repaired(paths_of(((30, 41), (30, 55), 0.8)), paths_of(((30, 4), (30, 40), 0.8)))
    assert not len(vein.nodes) and pieces(artery) == 1


@pytest.mark.parametrize(
    "other",
    [
        ((30, 41), (30, 62), 0.8),  # long
        ((30, 45), (30, 58), 0.8),  # apart
        ((30, 41), (44, 41), 0.8),  # across
    ],
)
def test_other_veins_stay_veins(other):
    artery, vein = repaired(paths_of(((30, 4), (30, 40), 0.8)), paths_of(other))
    assert len(artery.nodes) == len(vein.nodes) == 1


def test_a_vein_that_crosses_an_artery_elsewhere_keeps_its_kind():
    soft = DARK.copy()
    soft[ARTERY, :, 48:51] = 1
    lines = paths_of(((30, 4), (30, 40), 0.8)), paths_of(((30, 41), (30, 55), 0.8))
    assert len(repair_paths(*lines, soft, PathRepair())[1].nodes) == 1


def test_specks_go_and_only_those_that_nothing_holds():
    artery, _ = repaired(paths_of(TRUNK, ((30, 32), (30, 34), 0.5), ((10, 50), (10, 52), 0.5)), speck_px=5.0)
    assert pieces(artery) == 1 and artery.points_rc[:, 1].max() == 34


def ring(radius):
    """A ring of two paths between a node at the left, near the disc, and one at the right."""
    angle = np.linspace(np.pi, 0, 2 * round(np.pi * radius) + 1)
    upper, lower = (
        np.stack([32 + way * radius * np.sin(angle), 32 + radius * np.cos(angle)], axis=1) for way in (-1, 1)
    )
    count = len(angle)
    thin = np.repeat([1.0, 0.4], count)
    return KindPaths(np.concatenate([upper, lower]), thin, np.array([0, count, 2 * count]), np.array([[0, 1], [0, 1]]))


def test_a_loop_is_opened_beside_its_far_end_and_keeps_the_rest():
    whole = ring(12.0)
    opened, _ = repair_paths(whole, NONE, DARK, replace(off(), loop_px=100.0), disc_rc=(32.0, 10.0))
    lost = whole.lengths_px.sum() - opened.lengths_px.sum()
    assert pieces(opened) == 1 and len(opened.nodes) == 2 and 4 < lost < 7
    label = VesselPaths(opened, NONE, SIZE).label(8 * SIZE)[ARTERY]
    assert betti_numbers(label) == (1, 0)
    tip = opened.points_rc[opened.ends.ravel()][np.bincount(opened.nodes.ravel())[opened.nodes.ravel()] == 1]
    assert tip[:, 1].max() > 32 and label[:, : 4 * SIZE].sum() > 0.4 * label.sum()


def test_a_short_loop_loses_its_spare_part_whole():
    opened, _ = repair_paths(ring(3.0), NONE, DARK, replace(off(), loop_px=100.0), disc_rc=(32.0, 10.0))
    assert len(opened.nodes) == 1


def test_a_small_loop_is_opened_if_asked():
    paths = paths_of(((30, 20), (30, 25), 0.8), ((30, 20), (30, 25), 0.3), ((30, 25), (30, 50), 0.8))
    paths.nodes[:] = [[0, 1], [0, 1], [1, 2]]
    assert len(repaired(paths, loop_px=12.0)[0].nodes) == 2
    assert len(repaired(paths)[0].nodes) == 3


def test_switched_off_it_does_nothing():
    artery, vein = paths_of(TRUNK, ((30, 36), (30, 60), 0.5)), paths_of(((5, 5), (5, 6), 0.5))
    for new, old in zip(repair_paths(artery, vein, DARK, off()), (artery, vein), strict=True):
        assert np.array_equal(new.points_rc, old.points_rc) and len(new.nodes) == len(old.nodes)


def test_nothing_comes_of_nothing():
    assert repaired(NONE) == (NONE, NONE)
    assert not exact_label(DARK, SIZE, repair=PathRepair()).any()


@pytest.fixture(scope="module")
def eye():
    """Soft map and traced vessels of a phantom."""
    truth = rasterise(grow_retina(5), 1024).label
    soft = truth.reshape(2, 256, 4, 256, 4).mean(axis=(2, 4)).astype(np.float32)
    return soft, vectorise(soft)


def test_a_clean_phantom_stays_as_it_is(eye):
    soft, traced = eye
    whole = vectorise(soft, repair=PathRepair())
    assert dice(whole.label(512), traced.label(512)) > 0.99
    for new, old in ((whole.artery, traced.artery), (whole.vein, traced.vein)):
        assert pieces(new) <= pieces(old)


def test_repair_of_repaired_paths_changes_nothing(eye):
    soft, traced = eye
    once = repair_paths(traced.artery, traced.vein, soft, PathRepair())
    twice = repair_paths(*once, soft, PathRepair())
    for new, old in zip(twice, once, strict=True):
        assert np.array_equal(new.points_rc, old.points_rc) and pieces(new) == pieces(old)


def cut_up(paths, rng, count=20):
    """Paths with gaps of 4 px in the middle of long stretches, and the middles of the gaps."""
    long = np.flatnonzero(paths.lengths_px > 16)
    chosen = rng.permutation(long)[:count]
    middles = paths.points_rc[(paths.offsets[chosen] + paths.offsets[chosen + 1]) // 2]
    path_of = np.repeat(np.arange(len(paths.nodes)), np.diff(paths.offsets))
    gone = np.zeros(len(path_of), dtype=bool)
    for s, middle in zip(chosen, middles, strict=True):
        gone |= (path_of == s) & (np.hypot(*(paths.points_rc - middle).T) < 2)
    return paths.cut(~gone), middles


def planted_specks(paths, rng, count=5):
    """Paths and some of 2 px far from them."""
    places = rng.uniform(60, 200, (400, 2))
    far = np.hypot(*(places[:, None] - paths.points_rc[None]).transpose(2, 0, 1)).min(axis=1) > 12
    specks = paths_of(*((place, place + (0, 2), 0.4) for place in places[far][:count]))
    return KindPaths(
        np.concatenate([paths.points_rc, specks.points_rc]),
        np.concatenate([paths.radius_px, specks.radius_px]),
        np.append(paths.offsets, paths.offsets[-1] + specks.offsets[1:]),
        np.concatenate([paths.nodes, specks.nodes + paths.nodes.max() + 1]),
    )


def test_a_phantom_with_gaps_and_specks_comes_back(eye):
    soft, traced = eye
    rng = np.random.default_rng(0)
    broken, dark, gaps = [], soft.copy(), []
    grid = np.stack(np.mgrid[:256, :256], axis=-1)
    for kind, paths in ((ARTERY, traced.artery), (VEIN, traced.vein)):
        cut, middles = cut_up(paths, rng)
        for middle in middles:
            dark[kind][np.hypot(*(grid - middle).transpose(2, 0, 1)) < 3] = 0
        broken.append(planted_specks(cut, rng))
        gaps.append(middles)
    after = VesselPaths(*repair_paths(*broken, dark, PathRepair(speck_px=4.0)), 256)
    assert dice(after.label(512), traced.label(512)) > 0.985
    for new, old, true, middles in zip(
        (after.artery, after.vein), broken, (traced.artery, traced.vein), gaps, strict=True
    ):
        assert pieces(old) >= pieces(true) + 20 + 5
        assert pieces(new) <= pieces(true) + 3
        assert (cKDTree(new.points_rc).query(middles)[0] < 1).mean() >= 0.8
        assert (cKDTree(old.points_rc).query(middles)[0] > 1.5).all()


def test_end_branches_that_change_their_kind_come_back(eye):
    soft, traced = eye
    degree = np.bincount(traced.artery.nodes.ravel())[traced.artery.nodes]
    lengths = traced.artery.lengths_px
    fits = (lengths > 8) & (lengths < 18) & (degree.min(axis=1) == 1) & (degree.max(axis=1) >= 3)
    turned = np.zeros_like(fits)
    turned[np.flatnonzero(fits)[:6]] = True
    stray = traced.artery.kept(turned)
    nodes = stray.nodes.copy()
    nodes += traced.vein.nodes.max() + 1
    vein = KindPaths(
        np.concatenate([traced.vein.points_rc, stray.points_rc]),
        np.concatenate([traced.vein.radius_px, stray.radius_px]),
        np.append(traced.vein.offsets, traced.vein.offsets[-1] + stray.offsets[1:]),
        np.concatenate([traced.vein.nodes, nodes]),
    )
    moved = soft.copy()
    grid = np.stack(np.mgrid[:256, :256], axis=-1).reshape(-1, 2)
    near = cKDTree(traced.artery.points_rc).query(grid)[1]
    mine = np.isin(near, np.flatnonzero(np.repeat(turned, np.diff(traced.artery.offsets)))).reshape(256, 256)
    mine &= (soft[ARTERY] > 0) & (soft[VEIN] == 0)
    moved[VEIN][mine], moved[ARTERY][mine] = soft[ARTERY][mine], 0
    artery, _ = repair_paths(traced.artery.kept(~turned), vein, moved, PathRepair())
    back = [
        np.hypot(*(artery.points_rc - stray.points_rc[start:stop].mean(axis=0)).T).min() < 3
        for start, stop in zip(stray.offsets[:-1], stray.offsets[1:], strict=True)
    ]
    assert turned.sum() == 6 and sum(back) >= 2  # without repair none; over eight eyes 14 of 48
