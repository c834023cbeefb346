"""Optics, grain and loss of the fundus camera."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from monai_fundusgen.phantom.camera import STYLES, Camera, draw_camera, expose, illuminate, jpeg_loss, spread_light
from monai_fundusgen.phantom.texture import Lattice
from monai_fundusgen.vessels.field import Field


def test_an_unknown_style_is_refused_with_the_known_ones():
    with pytest.raises(ValueError, match="neutral.*warm"):
        draw_camera(np.random.default_rng(0), "sepia")


@pytest.mark.parametrize("style", sorted(STYLES))
def test_drawn_cameras_scatter_round_the_median_of_their_style(style):
    rng = np.random.default_rng(0)
    drawn = np.median([draw_camera(rng, style).background for _ in range(400)], axis=0)
    np.testing.assert_allclose(drawn, STYLES[style][0], rtol=0.06)


def test_spread_light_keeps_flat_fields_and_total_light():
    flat, point = np.full((64, 64), 0.4, np.float32), np.zeros((64, 64), np.float32)
    point[32, 30] = 1
    np.testing.assert_allclose(spread_light(flat, 1.3), flat, rtol=1e-5)
    assert spread_light(point, 1.3).sum() == pytest.approx(1, rel=1e-3)


def test_spread_light_has_the_width_it_is_given():
    point = np.zeros((65, 65), np.float32)
    point[32, 32] = 1
    y = np.arange(65) - 32
    for sigma in (1.0, 2.0):
        spread = spread_light(point, sigma)
        assert np.sqrt((spread.sum(1) * y**2).sum()) == pytest.approx(sigma, rel=0.07)  # cut at 2.5 sigma


def test_chromatic_aberration_moves_light_along_the_radius():
    image = np.zeros((129, 129), np.float32)
    image[64, 114] = 1  # 50 px right of the centre
    columns = np.arange(129)
    for scale in (0.98, 1.0, 1.02):
        moved = spread_light(image, 1.0, scale)
        assert (moved.sum(0) * columns).sum() / moved.sum() == pytest.approx(64 + 50 / scale, abs=0.02)


def test_a_pixel_of_twice_the_side_has_half_the_grain():
    flat, camera = np.full((3, 128, 128), 0.5, np.float32), Camera(psf_um=0.0, noise=0.05)
    fine, coarse = (expose(flat, camera, um, np.random.default_rng(0)).astype(float).std() for um in (10.0, 20.0))
    assert fine / coarse == pytest.approx(2, rel=0.03)


def test_light_falls_toward_the_border_and_veil_lowers_contrast():
    field = Field()
    lattice = Lattice.covering(field.centre_mm, field.radius_mm, 0.1)
    step = np.full((3, lattice.count, lattice.count), 0.3, np.float32)
    middle = lattice.count // 2
    lit = illuminate(step, Camera(falloff=0.5, veil=0.0), field, lattice)[1]
    assert np.all(np.diff(lit[middle, middle:]) < 1e-6)
    step[:, middle:] = 0.6
    clear, hazy = (illuminate(step, Camera(veil=veil), field, lattice)[1] for veil in (0.0, 0.3))
    assert (hazy[middle] / hazy[middle - 1]).mean() < (clear[middle] / clear[middle - 1]).mean()


def test_jpeg_loss_grows_as_quality_falls_and_keeps_odd_shapes():
    image = np.random.default_rng(0).integers(0, 255, (3, 61, 45), dtype=np.uint8)
    errors = [np.abs(jpeg_loss(image, quality).astype(int) - image).mean() for quality in (100, 90, 50, 10)]
    assert errors[0] < 1
    assert np.all(np.diff(errors) > 0)
    with pytest.raises(ValueError, match="1 to 100"):
        jpeg_loss(image, 0)


def test_artefacts_appear_on_request_only():
    rng = np.random.default_rng(0)
    plain = [draw_camera(rng) for _ in range(20)]
    marred = [draw_camera(rng, artefacts=True) for _ in range(60)]
    assert all(camera == replace(camera, flare=0.0, dust=(), jpeg_quality=None) for camera in plain)
    assert any(camera.flare for camera in marred)
    assert any(camera.dust for camera in marred)
    assert any(camera.jpeg_quality for camera in marred)
