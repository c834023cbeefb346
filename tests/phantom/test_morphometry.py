import numpy as np
import pytest

from monai_fundusgen.conventions import ARTERY, VEIN
from monai_fundusgen.phantom.morphometry import (
    field_area_mm2,
    junction_angles_deg,
    junctions,
    measure,
    segment_tortuosity,
)
from monai_fundusgen.phantom.tree import grow_retina
from monai_fundusgen.vessels.central_calibre import calibres_on_circle
from monai_fundusgen.vessels.eye import VesselGraph
from monai_fundusgen.vessels.field import Field

PUBLISHED = {
    # k of 50-100 um vessels of normal eyes lies between that of veins and of arteries (Luo 2017, PMC6024667)
    "exponent": (1.95, 2.59),
    # sum of the two angles: 74 +- 12 degrees in arteries, 71 +- 13 in veins (IOVS 2147114)
    "angle_deg": (58.0, 86.0),
    # ratio of the six-vessel equivalents of Knudtson 2003, band of normal eyes
    "avr": (0.55, 0.75),
    # artery and vein area over field area in RITE, LES-AV and HRF-AV, mean less and plus one deviation, in per cent
    "density_percent": (3.0, 7.7),
}


def a_letter_y(half_angle_deg=35.0, steps=10):
    """A stem along x that divides evenly at the origin."""
    t = np.deg2rad(half_angle_deg)
    s = 0.05 * np.arange(1, steps + 1)
    up, down = (np.stack([s * np.cos(t), sign * s * np.sin(t)], 1) for sign in (-1, 1))
    xy = np.concatenate([[[-1.0, 0.0], [0.0, 0.0]], up, down])
    parent = np.array([-1, 0, 1, *range(2, steps + 1), 1, *range(steps + 2, 2 * steps + 1)], np.int32)
    n = len(parent)
    return VesselGraph(xy, np.full(n, 20.0), np.zeros(n, np.uint8), parent, np.ones(n), np.zeros(n, np.uint8))


def test_angles_and_calibres_of_a_drawn_junction():
    graph = a_letter_y(35.0)
    nodes = junctions(graph.parent)
    assert nodes.tolist() == [[1, 2, 12]]
    assert junction_angles_deg(graph, nodes) == pytest.approx([70.0])
    assert calibres_on_circle(graph, (0.0, 0.0), 0.27, ARTERY).tolist() == [40.0, 40.0]
    assert calibres_on_circle(graph, (0.0, 0.0), 0.27, VEIN).tolist() == []


def test_tortuosity_of_a_half_circle_is_half_of_pi():
    angle = np.linspace(0, np.pi, 400)
    xy = np.stack([np.cos(angle), np.sin(angle)], 1)
    parent = np.arange(-1, 399, dtype=np.int32)
    onward = np.append(np.arange(1, 400), -1).astype(np.int32)
    out = segment_tortuosity(xy, parent, onward, 0.5)
    assert np.isnan(out[:-1]).all() and out[-1] == pytest.approx(np.pi / 2, rel=1e-4)


@pytest.mark.parametrize("cut", [1.0, 0.6])
def test_field_area_is_that_of_its_mask(cut):
    field = Field(45.0, (0.3, 0.1), cut)
    assert field.mask(800).sum() * field.pixel_mm(800) ** 2 == pytest.approx(field_area_mm2(field), rel=0.003)


def assert_published(eyes):
    """Population means lie in the published ranges; of single eyes, no more than one in ten strays far in AVR."""
    for name, (low, high) in PUBLISHED.items():
        values = np.array([getattr(eye, name) for eye in eyes])
        assert ((values.mean(0) > low) & (values.mean(0) < high)).all(), name
    avr = np.array([eye.avr for eye in eyes])
    assert 0.02 < avr.std() < 0.10
    assert np.mean((avr > 0.52) & (avr < 0.80)) >= 0.9
    exponents = np.array([eye.exponent for eye in eyes])
    assert ((exponents > 1.95) & (exponents < 2.59)).all()


def test_eyes_measure_within_published_ranges(retinas):
    assert_published([measure(retina) for retina in retinas])


@pytest.mark.slow
def test_a_hundred_eyes_measure_within_published_ranges():
    assert_published([measure(grow_retina(seed)) for seed in range(100)])


def test_density_of_the_graph_is_that_of_its_raster(retinas):
    from monai_fundusgen.vessels.drawing import rasterise

    for retina in retinas[:3]:
        raster = rasterise(retina, 1024)
        drawn = 100 * (raster.coverage * raster.fov).sum((1, 2)) / raster.fov.sum()
        assert measure(retina).density_percent == pytest.approx(drawn, rel=0.05)
