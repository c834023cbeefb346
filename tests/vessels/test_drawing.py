from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from monai_fundusgen.conventions import ARTERY, VEIN
from monai_fundusgen.vessels.drawing import CLAMP_PX, rasterise, vessel_map
from monai_fundusgen.vessels.eye import UNKNOWN, Crossings, Landmarks, Retina, VesselGraph
from monai_fundusgen.vessels.field import Field

EIGHT = np.ones((3, 3))


def drawing(lines, radius_um, kinds):
    """An eye whose vessels are straight lines ((x0, y0), (x1, y1)) in mm."""
    n = len(lines)
    graph = VesselGraph(
        xy_mm=np.array(lines, float).reshape(-1, 2),
        radius_um=np.repeat(np.asarray(radius_um, float), 2),
        kind=np.repeat(np.asarray(kinds, np.uint8), 2),
        parent=np.array([[-1, 2 * i] for i in range(n)], np.int32).ravel(),
        leaves=np.ones(2 * n),
        quadrant=np.zeros(2 * n, np.uint8),
    )
    none = np.zeros(0, np.int32)
    crossings = Crossings(np.zeros((0, 2)), none, none, np.zeros(0), np.zeros(0, np.uint8))
    return Retina(0, Landmarks((4.7, 0.0), 0.9, 0.4, 0.4, True), Field(45.0), graph, crossings)


@pytest.mark.parametrize("radius_um", [5.0, 20.0, 80.0])
@pytest.mark.parametrize("angle_deg", [0.0, 17.0, 45.0])
def test_the_area_of_a_straight_vessel_is_kept_at_every_size(radius_um, angle_deg):
    direction = np.array([np.cos(np.deg2rad(angle_deg)), np.sin(np.deg2rad(angle_deg))])
    retina = drawing([(-3 * direction, 3 * direction + 0.013)], [radius_um], [ARTERY])
    r = radius_um / 1000
    expected = 2 * r * 6.01 + np.pi * r * r
    for size in (128, 256, 1024):
        area = rasterise(retina, size).coverage[ARTERY].sum() * retina.field.pixel_mm(size) ** 2
        end_caps = 2.5 * retina.field.pixel_mm(size) * 2 * r
        assert area == pytest.approx(expected, rel=0.03, abs=end_caps)


def test_the_chord_of_a_wide_vessel_is_that_of_a_cylinder():
    retina = drawing([((-3, 0), (3, 0))], [100.0], [VEIN])
    raster = rasterise(retina, 1024)
    _, y = retina.field.grid_mm(1024)
    expected = 2000 * np.sqrt(np.maximum(0.1**2 - y.ravel() ** 2, 0))
    across = raster.chord_um[VEIN, :, 512]
    inner = np.abs(y.ravel()) < 0.08
    assert across[inner] == pytest.approx(expected[inner], rel=0.01)
    assert across.sum() * raster.pixel_um == pytest.approx(np.pi * 100**2, rel=0.001)  # area of the cross-section


def test_diameter_and_edge_are_those_of_the_nearest_edge():
    retina = drawing([((-3, -1), (3, -1)), ((-3, 1), (3, 1))], [30.0, 60.0], [ARTERY, ARTERY])
    raster = rasterise(retina, 256)
    top, bottom = raster.edge[ARTERY, :128], raster.edge[ARTERY, 128:]
    assert set(np.unique(top)) == {-1, 1} and set(np.unique(bottom)) == {-1, 3}
    assert set(np.unique(raster.diameter_um[ARTERY, 128:])) == {0.0, 120.0}
    assert ((raster.edge >= 0) == (raster.coverage > 0)).all()
    assert (raster.coverage[VEIN] == 0).all()


def test_rasters_of_real_eyes_agree_with_their_shape(retinas):
    raster = rasterise(retinas[0], 256)
    assert raster.coverage.min() == 0 and raster.coverage.max() == 1
    assert (raster.label & ~raster.fov == 0).all()
    both = (raster.edge >= 0).all(0)
    assert ((raster.front != UNKNOWN) == both).all()
    assert set(np.unique(raster.front[both])) <= {ARTERY, VEIN}
    assert (raster.chord_um <= raster.diameter_um.max() + 1e-3).all()


def test_coverage_at_256_is_the_mean_of_coverage_at_1024(retinas):
    for retina in retinas[:4]:
        coarse = rasterise(retina, 256).coverage
        fine = rasterise(retina, 1024).coverage.reshape(2, 256, 4, 256, 4).mean((2, 4))
        assert coarse.sum() == pytest.approx(fine.sum(), rel=0.03)
        assert np.abs(coarse - fine).mean() < 0.08 * fine.mean()
        assert np.abs(coarse - fine).max() < 0.45


@pytest.mark.parametrize("size", [256, 400, 1024])
def test_artery_and_vein_overlap_at_listed_crossings_only(retinas, size):
    for retina in retinas[:6]:
        crossings, graph = retina.crossings, retina.graph
        label = vessel_map(retina, size)
        radius_px = np.maximum(graph.radius_um / 1000 / retina.field.pixel_mm(size), CLAMP_PX)
        reach = radius_px[crossings.artery_edge] + radius_px[crossings.vein_edge] + 1
        reach = reach / np.sin(np.deg2rad(crossings.angle_deg))
        column, row = retina.field.to_pixels(crossings.xy_mm, size).T
        rows, columns = np.nonzero(label.all(0))
        away = np.hypot(rows[:, None] - row, columns[:, None] - column) - reach
        assert (away.min(1, initial=np.inf) <= 0).all()


@pytest.mark.parametrize("size", [128, 256, 1024])
def test_every_tree_of_a_label_is_one_8_connected_piece(retinas, size):
    for retina in retinas[:4]:
        wide = replace(retina, field=replace(retina.field, diameter_deg=55.0, cut=1.0))  # the border cuts no vessel
        radius = retina.graph.radius_um
        for kind in (ARTERY, VEIN):
            trees = ((retina.graph.parent < 0) & (retina.graph.kind == kind)).sum()
            for thinnest_um in (0.0, 35.0):
                label = vessel_map(wide, size, min_diameter_um=thinnest_um)[kind]
                assert 1 <= ndimage.label(label, EIGHT)[1] <= trees
        assert 2 * radius.min() < 35.0 < 2 * radius.max()


def test_the_label_policy_leaves_thin_vessels_out_and_widens_the_rest(retinas):
    retina = retinas[1]
    everything, thick = (vessel_map(retina, 512, min_diameter_um=um) for um in (0.0, 40.0))
    exact = vessel_map(retina, 512, clamp=False)
    assert (thick <= everything).all() and thick.sum() < everything.sum()
    assert (exact <= everything).all() and exact.sum() < everything.sum()
    assert np.array_equal(rasterise(retina, 512, min_diameter_um=40.0).label, thick)
    assert np.array_equal(rasterise(retina, 512, clamp=False).label, exact)


def test_the_nearest_crossing_decides_who_is_in_front():
    retina = drawing([((-3, 0), (3, 0)), ((-1, -2), (-1, 2)), ((1, -2), (1, 2))], [60.0] * 3, [ARTERY, VEIN, VEIN])
    listed = Crossings(
        np.array([[-1.0, 0.0], [1.0, 0.0]]),
        np.array([1, 1], np.int32),
        np.array([3, 5], np.int32),
        np.array([90.0, 90.0]),
        np.array([VEIN, ARTERY], np.uint8),
    )
    raster = rasterise(replace(retina, crossings=listed), 256)
    assert set(np.unique(raster.front[:, :128])) == {VEIN, UNKNOWN}
    assert set(np.unique(raster.front[:, 128:])) == {ARTERY, UNKNOWN}


def test_a_mirrored_field_gives_the_mirrored_map():
    from monai_fundusgen.phantom.anatomy import Anatomy
    from monai_fundusgen.phantom.tree import grow_retina

    right, left = (rasterise(grow_retina(8, anatomy=Anatomy(laterality=which)), 256) for which in ("right", "left"))
    assert left.coverage == pytest.approx(right.coverage[..., ::-1], abs=1e-5)
    assert (left.label != right.label[..., ::-1]).mean() < 1e-4
