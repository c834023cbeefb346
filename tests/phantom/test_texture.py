"""Lattices and noise."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from monai_fundusgen.phantom.texture import Lattice, fractal_noise, smooth_noise, streaks


@pytest.mark.parametrize("mirrored", [False, True])
def test_the_spline_reproduces_planes(mirrored):
    lattice = Lattice.covering((1.0, -2.0), 3.0, 0.25, mirrored=mirrored)
    x, y = lattice.grid_mm()
    at_x, at_y = np.linspace(-1.5, 3.5, 41), np.linspace(-4, 0, 37)
    drawn = lattice.resample((2 * x - 3 * y).astype(np.float32), at_x, at_y)
    np.testing.assert_allclose(drawn, 2 * at_x[None] - 3 * at_y[:, None], atol=1e-4)


def test_the_spline_agrees_with_scipy():
    lattice = Lattice.covering((0.0, 0.0), 2.0, 0.5)
    field = np.random.default_rng(0).standard_normal((lattice.count,) * 2).astype(np.float32)
    at = np.linspace(-1, 1, 23)
    position = at / 0.5 + (lattice.count - 1) / 2
    grid = np.meshgrid(position, position, indexing="ij")
    expected = ndimage.map_coordinates(field, grid, order=3, prefilter=False)
    np.testing.assert_allclose(lattice.resample(field, at, at), expected, atol=1e-5)


@pytest.mark.parametrize("scale_mm", [0.2, 0.5])
def test_noise_has_zero_mean_and_unit_variance(scale_mm):
    lattice = Lattice.covering((0.0, 0.0), 12.0, 0.1)
    noise = smooth_noise(lattice, scale_mm, np.random.default_rng(0))
    assert noise.mean() == pytest.approx(0, abs=0.1)
    assert noise.std() == pytest.approx(1, abs=0.06)


def test_weights_of_octaves_add_in_squares():
    lattice = Lattice.covering((0.0, 0.0), 12.0, 0.1)
    noise = fractal_noise(lattice, {0.4: 0.3, 0.2: 0.4}, np.random.default_rng(0))
    assert noise.std() == pytest.approx(0.5, abs=0.04)


def test_streaks_lie_along_their_direction():
    noise = np.random.default_rng(0).standard_normal((200, 200)).astype(np.float32)
    along, across = np.ones_like(noise), np.zeros_like(noise)
    drawn = streaks(noise, along, across, 12)[20:-20, 20:-20]
    lag_x = (drawn[:, 5:] * drawn[:, :-5]).mean()
    lag_y = (drawn[5:] * drawn[:-5]).mean()
    assert lag_x > 0.6
    assert abs(lag_y) < 0.15
