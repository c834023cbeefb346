import numpy as np
import pytest
from skimage.draw import disk, line

from monai_fundusgen.phantom.anatomy import Anatomy
from monai_fundusgen.phantom.tree import grow_retina
from monai_fundusgen.vessels.convergence import convergence_rc
from monai_fundusgen.vessels.drawing import vessel_map
from monai_fundusgen.vessels.graph import vessel_graph


def star(side, centre, rays):
    """Thick rays that stop short of the centre they all point to."""
    picture = np.zeros((side, side), dtype=bool)
    for angle in np.linspace(0, 2 * np.pi, rays, endpoint=False):
        ends = [np.rint(centre + r * np.array([np.sin(angle), np.cos(angle)])).astype(int) for r in (12, 40)]
        for row, column in zip(*line(*ends[0], *ends[1]), strict=True):
            picture[disk((row, column), 1.8, shape=picture.shape)] = True
    return picture


@pytest.mark.parametrize("centre", [(60, 60), (50, 74)])
def test_rays_converge_where_they_point(centre):
    found = convergence_rc([vessel_graph(star(128, np.array(centre), 7))], 128)
    assert np.hypot(*np.subtract(found, centre)) < 2


def test_the_point_lies_on_the_disc_of_a_phantom():
    for seed in range(6):
        eye = grow_retina(seed, anatomy=Anatomy(diameter_deg=60, cut=0.716))
        column, row = eye.field.to_pixels(np.array([eye.landmarks.disc_mm]), 256)[0]
        found = convergence_rc([vessel_graph(plane) for plane in vessel_map(eye, 256)], 256)
        radius = eye.landmarks.disc_radius_mm / eye.field.pixel_mm(256)
        assert np.hypot(found[0] - row, found[1] - column) < radius, seed


def test_an_empty_map_has_no_such_point():
    assert np.isnan(convergence_rc([vessel_graph(np.zeros((32, 32), dtype=bool))], 32)).all()
