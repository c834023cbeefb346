"""Known motion: what is written down is what is done."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from monai_fundusgen.phantom.deformation import Deformation, draw_deformation, invert, warp
from monai_fundusgen.vessels.field import Field

FIELD = Field()


def test_no_motion_moves_nothing():
    assert not Deformation().displacement_px(FIELD, 64).any()


def test_a_shift_by_whole_pixels_is_a_roll():
    image = np.random.default_rng(0).random((64, 64), dtype=np.float32)
    shift = Deformation(shift_mm=(3 * FIELD.pixel_mm(64), -2 * FIELD.pixel_mm(64)))
    moved = warp(image, shift.displacement_px(FIELD, 64))
    np.testing.assert_allclose(moved[8:-8, 8:-8], np.roll(image, (2, -3), (0, 1))[8:-8, 8:-8], atol=1e-4)


def test_rotation_turns_by_its_angle_about_the_centre():
    displacement = Deformation(angle_deg=2.0).displacement_px(FIELD, 101)
    x = np.arange(101) - 50.0
    point = np.stack([x[90] + displacement[0, 50, 90], 0 + displacement[1, 50, 90]])
    assert np.rad2deg(np.arctan2(point[1], point[0])) == pytest.approx(2.0, abs=1e-3)
    assert np.hypot(*point) == pytest.approx(40.0, abs=1e-3)


@pytest.mark.parametrize("seed", range(4))
def test_motion_in_millimetres_does_not_depend_on_the_size_of_the_image(seed):
    motion = draw_deformation(FIELD, np.random.default_rng(seed))
    small, large = (motion.displacement_px(FIELD, size) * FIELD.pixel_mm(size) for size in (128, 256))
    np.testing.assert_allclose(small, large.reshape(2, 128, 2, 128, 2).mean((2, 4)), atol=1e-3)


@pytest.mark.parametrize("seed", range(4))
def test_drawn_motion_does_not_fold(seed):
    dx, dy = draw_deformation(FIELD, np.random.default_rng(seed), amount=2.0).displacement_px(FIELD, 256)
    jacobian = (1 + np.gradient(dx, axis=1)) * (1 + np.gradient(dy, axis=0)) - np.gradient(dx, axis=0) * np.gradient(
        dy, axis=1
    )
    assert jacobian.min() > 0.3


@pytest.mark.parametrize("seed", range(3))
def test_forward_then_backward_is_nothing(seed):
    forward = draw_deformation(FIELD, np.random.default_rng(seed)).displacement_px(FIELD, 256)
    backward = invert(forward)
    loop = backward + np.stack([warp(plane, backward) for plane in forward])
    assert np.abs(loop[:, 24:-24, 24:-24]).max() < 0.05


def test_warp_follows_scipy_on_a_smooth_image():
    rng = np.random.default_rng(0)
    image = ndimage.gaussian_filter(rng.random((96, 96)), 3).astype(np.float32)
    displacement = draw_deformation(FIELD, rng).displacement_px(FIELD, 96)
    rows, columns = np.mgrid[:96, :96]
    expected = ndimage.map_coordinates(image, [rows + displacement[1], columns + displacement[0]], order=3)
    np.testing.assert_allclose(warp(image, displacement)[8:-8, 8:-8], expected[8:-8, 8:-8], atol=2e-3)
