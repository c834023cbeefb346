from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from monai_fundusgen.metrics.functional.photograph_figures import BANDS, photograph_figures
from monai_fundusgen.vessels.field import Field

SIDE = 512


def scene(seed=0, noise=0.0, discs=((0.5, 0.3),)):
    """Smooth ground with round bright discs, fine lines and white noise, inside the field."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:SIDE, :SIDE] / SIDE
    ground = np.stack([0.6 + 0 * x, 0.35 + 0.05 * np.sin(60 * x) * np.sin(45 * y), 0.15 + 0 * x])
    for row, column in discs:
        ground[:2] += 0.3 * (np.hypot(y - row, x - column) < 0.05)
    fov = Field().mask(SIDE)
    return np.clip(ground + rng.normal(0, noise, ground.shape) if noise else ground, 0, 1) * fov, fov


def test_levels_are_those_of_the_field():
    picture, fov = scene()
    found = photograph_figures(picture, fov)
    assert (found["red"], found["green"], found["blue"]) == pytest.approx((0.6, 0.35, 0.15), abs=0.01)
    assert found["saturation"] == pytest.approx(0.75, abs=0.01)


@pytest.mark.parametrize("sigma", [0.01, 0.03])
def test_noise_is_measured_in_its_own_unit(sigma):
    assert photograph_figures(*scene(noise=sigma))["noise"] == pytest.approx(sigma, rel=0.1)


def test_growing_blur_takes_power_from_the_fine_bands():
    picture, fov = scene(noise=0.02)
    rows = [
        photograph_figures(ndimage.gaussian_filter(picture, (0, blur, blur)) * fov, fov) if blur else
        photograph_figures(picture, fov) for blur in (0, 1, 2, 4)
    ]  # fmt: skip
    for band in ("fine", "finest"):
        assert (np.diff([row[f"power_{band}"] for row in rows]) < 0).all()
    lost = [rows[0][f"power_{band}"] - rows[-1][f"power_{band}"] for band in BANDS]
    assert lost[0] < lost[-1]


def test_discs_are_counted_and_their_margin_measured():
    one, two = (photograph_figures(*scene(discs=discs)) for discs in (((0.5, 0.3),), ((0.5, 0.3), (0.5, 0.7))))
    assert (one["discs"], two["discs"]) == (1, 2)
    flat = photograph_figures(*scene(discs=()))
    assert one["disc_rim"] == pytest.approx(0.6 / 0.95, rel=0.1) and abs(flat["disc_rim"]) < 0.1


def test_other_shapes_are_refused():
    picture, fov = scene()
    with pytest.raises(ValueError, match=r"expected \(3, S, S\)"):
        photograph_figures(picture[:1], fov)
    with pytest.raises(ValueError, match="no field of view"):
        photograph_figures(picture, fov & False)
