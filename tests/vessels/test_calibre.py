from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from monai_fundusgen.vessels.calibre import distance_on, weighted_quantiles, width_histogram
from monai_fundusgen.vessels.graph import vessel_graph
from tests.reference import vessel_drawings as drawn


@pytest.mark.parametrize("seed", range(3))
def test_distance_equals_the_full_transform(seed):
    mask = drawn.blobs(seed)
    full = ndimage.distance_transform_edt(np.pad(mask, 1))[1:-1, 1:-1]
    assert np.allclose(distance_on(mask, mask), full)


def test_distance_is_computed_only_where_wanted():
    mask = drawn.blobs(0)
    where = mask & (np.arange(mask.shape[1]) % 3 == 0)
    full = ndimage.distance_transform_edt(np.pad(mask, 1))[1:-1, 1:-1]
    assert np.allclose(distance_on(mask, where), np.where(where, full, 0))


@pytest.mark.parametrize("width", [1, 2, 3, 4, 5, 8, 9])
def test_a_bar_measures_its_width_for_odd_and_even(width):
    assert vessel_graph(drawn.bar(width)).segment_widths_px() == pytest.approx([width])


@pytest.mark.parametrize("angle_deg", [0, 10, 22, 30, 45])
@pytest.mark.parametrize("width", [3.0, 6.0, 9.0])
def test_a_slanted_bar_measures_its_area_over_its_length(angle_deg, width):
    rows, columns = np.mgrid[:160, :160] - 79.7
    turn = np.deg2rad(angle_deg)
    along, across = columns * np.cos(turn) + rows * np.sin(turn), rows * np.cos(turn) - columns * np.sin(turn)
    mask = (np.abs(across) <= width / 2) & (np.abs(along) <= 60)
    assert vessel_graph(mask).segment_widths_px()[0] == pytest.approx(mask.sum() / 120, rel=0.12)


def test_width_times_length_is_area_on_a_ring():
    mask = drawn.ring(width=6.0)
    graph = vessel_graph(mask)
    assert (graph.width_px * graph.step_px).sum() == pytest.approx(mask.sum(), rel=0.03)


def test_weighted_quantiles_equal_repeated_values():
    values, weights = np.array([3.0, 1.0, 2.0, np.inf]), np.array([2, 5, 1, 2])
    repeated = np.sort(np.repeat(values, weights))
    shares = np.array([0.05, 0.5, 0.6, 0.8, 0.95])
    expected = repeated[np.ceil(shares * len(repeated)).astype(int) - 1]
    assert np.array_equal(weighted_quantiles(values, weights, shares), expected)
    assert np.isnan(weighted_quantiles([], [], [0.5])).all()


def test_histogram_shares_sum_to_one_and_wide_vessels_fall_in_the_last_bin():
    shares = width_histogram([1.0, 2.0, 50.0], [1.0, 2.0, 1.0], [0, 1.5, 3, 6])
    assert shares == pytest.approx([0.25, 0.5, 0.25])
    assert width_histogram([], [], [0, 1]).tolist() == [0.0]
