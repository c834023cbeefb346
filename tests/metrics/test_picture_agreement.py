import numpy as np
import pytest

from monai_fundusgen.metrics.functional.picture_agreement import picture_agreement
from monai_fundusgen.phantom.photograph import render_photograph
from monai_fundusgen.phantom.tree import grow_retina
from monai_fundusgen.vessels.drawing import rasterise


def bars(dark, side=512):
    """A wide and a thin vessel that are darker than their surroundings by a share, without noise."""
    vessel = np.zeros((side, side), dtype=bool)
    vessel[150:158, 60:450] = vessel[300:302, 60:450] = True
    photograph = np.full((3, side, side), 0.5)
    photograph[:, vessel] *= 1 - dark
    return photograph, vessel, np.ones((side, side), dtype=bool)


@pytest.mark.parametrize("dark", [0.1, 0.3])
def test_contrast_is_the_share_that_vessels_are_darker_by(dark):
    found = picture_agreement(*bars(dark))
    assert found.contrast == pytest.approx(dark, abs=0.005)
    assert found.thin_contrast == pytest.approx(dark, abs=0.005)
    assert found.filter_dice > 0.8


def test_a_label_that_lies_beside_its_vessels_shows():
    photograph, vessel, fov = bars(0.3)
    right, wrong = (
        picture_agreement(photograph, vessel, fov),
        picture_agreement(photograph, np.roll(vessel, 12, 0), fov),
    )
    assert wrong.contrast < 0.1 * right.contrast and wrong.filter_dice < 0.5 * right.filter_dice


def test_a_phantom_agrees_with_its_own_label_and_not_with_anothers():
    eyes = [rasterise(grow_retina(seed), 512) for seed in (1, 2)]
    photograph = render_photograph(grow_retina(1), eyes[0], seed=0) / 255
    own, other = (picture_agreement(photograph, eye.label.any(axis=0), eyes[0].fov) for eye in eyes)
    assert own.contrast > 0.1 > 2 * abs(other.contrast)
    assert own.filter_dice > 0.5 > 0.3 > other.filter_dice


def test_an_empty_label_is_refused():
    photograph, vessel, fov = bars(0.3)
    with pytest.raises(ValueError, match="no vessel inside"):
        picture_agreement(photograph, vessel & False, fov)
