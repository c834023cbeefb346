import numpy as np
import pytest

from monai_fundusgen.metrics.functional.optic_disc import optic_discs
from monai_fundusgen.phantom.anatomy import Anatomy
from monai_fundusgen.phantom.photograph import render_photograph
from monai_fundusgen.phantom.tree import grow_retina
from monai_fundusgen.vessels.drawing import rasterise

SIDE = 256
ROWS, COLUMNS = np.mgrid[:SIDE, :SIDE]
FOV = (ROWS - 127.5) ** 2 + (COLUMNS - 127.5) ** 2 < 123**2


def picture(*spots):
    """An even field with bright spots: (row, column, brightness), each of a disc's size."""
    plane = np.full((SIDE, SIDE), 0.4)
    for row, column, brightness in spots:
        plane[(ROWS - row) ** 2 + (COLUMNS - column) ** 2 < 13**2] += brightness
    return np.stack([plane, plane, plane]) * FOV


@pytest.mark.parametrize("place", [(128, 60), (100, 200)])
def test_one_disc_is_found_where_it_was_drawn(place):
    (found,) = optic_discs(picture((*place, 0.3)), FOV)
    assert np.hypot(found.row * SIDE - place[0], found.column * SIDE - place[1]) < 3


def test_two_discs_are_two_and_a_faint_smudge_is_none():
    assert len(optic_discs(picture((128, 60, 0.3), (128, 190, 0.25)), FOV)) == 2
    assert len(optic_discs(picture((128, 60, 0.3), (128, 190, 0.1)), FOV)) == 1


def test_the_edge_of_the_field_is_no_disc():
    assert optic_discs(picture(), FOV) == [] or optic_discs(picture(), FOV)[0].strength < 0.02


def test_figures_do_not_depend_on_the_size_of_the_photograph():
    small = optic_discs(picture((128, 60, 0.3)), FOV)
    large = optic_discs(picture((128, 60, 0.3)).repeat(4, 1).repeat(4, 2), FOV.repeat(4, 0).repeat(4, 1))
    assert [(a.row, a.column) for a in small] == [(a.row, a.column) for a in large]
    assert small[0].strength == pytest.approx(large[0].strength)


@pytest.mark.parametrize("seed", [0, 1, 2, 3])
def test_the_phantoms_disc_is_the_only_one_and_lies_where_it_is_in_the_eye(seed):
    retina = grow_retina(seed, anatomy=Anatomy(diameter_deg=60.0))
    raster = rasterise(retina, SIDE)
    photograph = render_photograph(retina, raster, seed=seed) / 255
    (found,) = optic_discs(photograph, raster.fov)
    column, row = retina.field.to_pixels(np.array([retina.landmarks.disc_mm]), SIDE)[0]
    radius_px = retina.landmarks.disc_radius_mm / retina.field.pixel_mm(SIDE)
    assert np.hypot(found.row * SIDE - row, found.column * SIDE - column) < radius_px


def test_sizes_that_differ_are_named():
    with pytest.raises(ValueError, match=r"found photograph \(256, 256\) and field \(10, 10\)"):
        optic_discs(picture(), np.ones((10, 10), dtype=bool))
