"""Decided labels carried on: crossings that were drawn as what lies on top, and trunks that end on the disc."""

import numpy as np
import pytest
from scipy import ndimage

from monai_fundusgen.conventions import ARTERY, VEIN
from monai_fundusgen.phantom.anatomy import Anatomy
from monai_fundusgen.phantom.tree import grow_retina
from monai_fundusgen.vessels.deciding.carrying import carried_on
from monai_fundusgen.vessels.drawing import rasterise
from monai_fundusgen.vessels.topology import component_areas

SIZE = 512


def blank():
    return np.zeros((2, SIZE, SIZE), dtype=bool), np.zeros((SIZE, SIZE), dtype=bool)


def crossed():
    """An artery that a vein was drawn over, near the border, far from where the two point."""
    vessels, opened = blank()
    vessels[ARTERY, 97:101, 20:480] = True
    vessels[VEIN, 20:480, 250:257] = True
    vessels[ARTERY] &= ~vessels[VEIN]
    return vessels, opened


def covered(vessels):
    """A label in which every crossing is what lies on top: the veins."""
    return np.stack([vessels[ARTERY] & ~vessels[VEIN], vessels[VEIN]])


def off_the_disc(retina, radii):
    """Pixels (1024, 1024) farther than so many disc radii from the middle of the disc."""
    (row, column), *_ = retina.landmarks_rc(1024)
    radius = retina.landmarks.disc_radius_mm / retina.field.pixel_mm(1024)
    rows, columns = np.ogrid[:1024, :1024]
    return np.hypot(rows - row, columns - column) > radii * radius


def test_a_vessel_goes_on_behind_the_one_that_was_drawn_over_it():
    vessels, opened = crossed()
    after = carried_on(vessels, opened)
    both = after.all(axis=0)
    assert len(component_areas(after[ARTERY])) == 1
    assert 20 <= both.sum() <= 35 and both[99, 250:257].all()  # 4 x 7 px
    assert not both[:96].any() and not both[102:].any()
    assert np.array_equal(after[VEIN], vessels[VEIN])


def test_it_goes_on_through_open_pixels():
    vessels, opened = blank()
    vessels[VEIN, 20:480, 250:257] = True
    opened[300:308, 248:259] = True
    vessels[:, opened] = False
    after = carried_on(vessels, opened)
    assert len(component_areas(after[VEIN])) == 1 and not after[ARTERY].any()


@pytest.mark.parametrize("seed", [3, 4])
def test_most_covered_crossings_come_back_and_no_pixel_loses_its_kind(seed):
    retina = grow_retina(seed, anatomy=Anatomy(diameter_deg=60.0, cut=0.716))
    truth = rasterise(retina, 1024).label
    before = covered(truth)
    after = carried_on(before, np.zeros(truth.shape[1:], dtype=bool))
    assert (after | ~before).all()
    away = off_the_disc(retina, 1.6)
    lost, gained = (planes[ARTERY] & away for planes in (truth & ~before, after & ~before))
    assert not ((after & ~before)[VEIN] & away).any()
    crossings, count = ndimage.label(lost, structure=np.ones((3, 3)))
    large = np.bincount(crossings.ravel(), minlength=count + 1)[1:] > 4
    found = np.isin(np.arange(1, count + 1), crossings[gained])
    assert found[large].mean() > 0.7
    assert (gained & lost).sum() / gained.sum() > 0.75


def test_the_trunks_of_a_disc_without_vessels_become_one_tree():
    retina = grow_retina(5, anatomy=Anatomy(diameter_deg=60.0, cut=0.716))
    label = rasterise(retina, 1024).label
    before = label & off_the_disc(retina, 0.7)
    after = carried_on(before, np.zeros((1024, 1024), dtype=bool))
    for kind in (ARTERY, VEIN):
        shares = [areas[0] / areas.sum() for areas in map(component_areas, (before[kind], after[kind]))]
        assert shares[1] > max(0.75, shares[0])
    away = off_the_disc(retina, 2.0)
    assert not ((after & ~before).any(axis=0) & away & ~before.any(axis=0)).any()  # off the disc nothing over ground


def test_what_was_carried_on_stays():
    vessels, opened = crossed()
    once = carried_on(vessels, opened)
    assert np.array_equal(carried_on(once, opened), once)


def test_no_vessels_are_no_error():
    vessels, opened = blank()
    assert not carried_on(vessels, opened).any()


@pytest.mark.parametrize(
    ("vessels", "opened", "message"),
    [
        (np.zeros((2, 8, 8), dtype=np.uint8), np.zeros((8, 8), dtype=bool), "boolean"),
        (np.zeros((3, 8, 8), dtype=bool), np.zeros((8, 8), dtype=bool), r"\(2, H, W\)"),
        (np.zeros((2, 8, 8), dtype=bool), np.zeros((8, 9), dtype=bool), "one size"),
    ],
)
def test_another_label_is_refused(vessels, opened, message):
    with pytest.raises(ValueError, match=message):
        carried_on(vessels, opened)
