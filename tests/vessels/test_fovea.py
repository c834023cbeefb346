import numpy as np
import pytest

from monai_fundusgen.phantom.anatomy import Anatomy
from monai_fundusgen.phantom.tree import grow_retina
from monai_fundusgen.vessels.convergence import convergence_rc
from monai_fundusgen.vessels.drawing import vessel_map
from monai_fundusgen.vessels.fovea import ANGLE_DEG, DISTANCE_MM, fovea_rc
from monai_fundusgen.vessels.graph import vessel_graph


@pytest.mark.parametrize("column", [40, 215])
def test_without_vessels_the_usual_place_is_taken_on_the_side_of_the_middle(column):
    row, found = fovea_rc(np.zeros((256, 256)), (128, column), 0.07)
    across, down = abs(found - column) * 0.07, (row - 128) * 0.07
    assert np.hypot(across, down) == pytest.approx(DISTANCE_MM[0], abs=0.07)
    assert np.rad2deg(np.arctan2(down, across)) == pytest.approx(ANGLE_DEG[0], abs=1)
    assert (found - column) * (127.5 - column) > 0


def test_phantom_foveas_are_found_within_a_millimetre_and_a_half():
    for seed in range(6):
        eye = grow_retina(seed, anatomy=Anatomy(diameter_deg=60, cut=0.716))
        planes = vessel_map(eye, 256)
        disc = convergence_rc([vessel_graph(plane) for plane in planes], 256)
        true = eye.field.to_pixels(np.zeros((1, 2)), 256)[0][::-1]
        found = fovea_rc(planes.any(axis=0), disc, eye.field.pixel_mm(256))
        assert np.hypot(*np.subtract(found, true)) * eye.field.pixel_mm(256) < 1.5, seed


def test_an_unknown_disc_gives_no_fovea():
    assert np.isnan(fovea_rc(np.zeros((32, 32)), (np.nan, np.nan), 0.5)).all()
