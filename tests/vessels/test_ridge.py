from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from monai_fundusgen.vessels.ridge import FINENESS, crest_shift, ridge_height, ridge_map


def column(widths, size=32):
    """Soft map of upright vessels: {left edge: width} in px."""
    at = np.arange(size)
    row = sum(np.clip(np.minimum(at + 1, left + width) - np.maximum(at, left), 0, 1) for left, width in widths.items())
    return np.tile(row.astype(np.float32), (size, 1))


@pytest.mark.parametrize("width", [0.25, 0.5, 1.0, 3.0, 7.0])
@pytest.mark.parametrize("left", [12.0, 12.3, 12.9])
def test_a_vessel_of_any_width_has_one_ridge_that_holds_its_middle(width, left):
    ridge = ridge_map(ridge_height(column({left: width})))
    assert ridge.shape == (32 * FINENESS,) * 2
    assert ndimage.label(ridge)[1] == 1
    middle = (left + width / 2) * FINENESS - 0.5
    columns = np.flatnonzero(ridge[20])
    assert columns.min() <= np.ceil(middle) and columns.max() >= np.floor(middle)


@pytest.mark.parametrize("gap", [1.5, 2.5])
def test_a_gap_narrower_than_the_vessels_keeps_two_ridges(gap):
    assert ndimage.label(ridge_map(ridge_height(column({10.0: 2.0, 12.0 + gap: 2.0}))))[1] == 2


@pytest.mark.parametrize("value", [0.0, 0.04, 0.5])
def test_a_flat_map_below_the_plateau_has_no_ridge(value):
    assert not ridge_map(ridge_height(np.full((16, 16), value, np.float32))).any()


def test_quarter_turns_and_mirrors_carry_over():
    soft = ndimage.gaussian_filter(np.random.default_rng(0).uniform(size=(24, 24)).astype(np.float32), 1.0)
    soft = (soft - soft.min()) / np.ptp(soft)
    ridge = ridge_map(ridge_height(soft))
    assert np.array_equal(ridge_map(ridge_height(np.rot90(soft))), np.rot90(ridge))
    assert np.array_equal(ridge_map(ridge_height(soft[:, ::-1])), ridge[:, ::-1])


@pytest.mark.parametrize("left", [12.625, 12.75, 12.875])
@pytest.mark.parametrize("off", [-0.8, 0.0, 0.8])
def test_the_crest_of_a_thin_vessel_is_found_from_beside_it(left, off):
    height = ridge_height(column({left: 0.5}))
    middle = (left + 0.25 + 0.5) * FINENESS - 0.5 - 1
    shift = crest_shift(height, np.array([[30.0, middle + off]]), np.array([[0.0, 1.0]]))
    assert shift[0] + off == pytest.approx(0, abs=0.45)
    assert abs(shift[0]) <= 1


def test_wide_vessels_are_left_where_they_are():
    height = ridge_height(column({10.0: 4.0}))
    assert crest_shift(height, np.array([[30.0, 22.4]]), np.array([[0.0, 1.0]])) == 0
