"""Cross sections: widths of bars, positions from axis to wall, the margin."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from monai_fundusgen.vessels.cross_section import MARGIN_PX, cross_sections


def bar(width: int, size: int = 60) -> np.ndarray:
    mask = np.zeros((size, size), bool)
    mask[20 : 20 + width] = True
    return mask


@pytest.mark.parametrize("width", [1, 3, 5, 9, 13])
def test_a_bar_measures_its_width_everywhere(width):
    found = cross_sections(bar(width))
    middle = np.zeros((60, 60), bool)
    middle[:, 20:40] = True  # away from the ends
    assert np.all(found.width_px[middle[found.where]] == width)


def test_position_runs_from_the_axis_to_the_wall_and_on_in_pixels():
    found = cross_sections(bar(9))
    across = np.full((60, 60), np.nan)
    across[found.where] = found.position
    column = across[:, 30]
    assert column[24] == 0  # the axis
    assert column[20] == column[28] == pytest.approx(4 / 4.5)
    assert np.all(np.diff(column[24:32]) > 0)
    assert column[29:32].tolist() == [2, 3, 4]  # 1, 2 and 3 px outside
    assert np.isnan(column[33])


def test_margin_and_inside_are_those_of_the_distance_transform():
    rng = np.random.default_rng(0)
    mask = ndimage.gaussian_filter(rng.standard_normal((80, 80)), 2) > 0.25
    found = cross_sections(mask)
    away = ndimage.distance_transform_edt(~mask)
    assert np.array_equal(found.inside, mask[found.where])
    assert not found.where[away > MARGIN_PX + 1].any()
    assert found.where[away <= 1].all()


def test_turning_the_map_turns_the_result():
    mask = ndimage.gaussian_filter(np.random.default_rng(1).standard_normal((64, 64)), 2) > 0.3
    straight, turned = cross_sections(mask), cross_sections(np.rot90(mask))
    assert np.array_equal(np.rot90(straight.where), turned.where)
    assert sorted(straight.width_px[straight.inside].tolist()) == pytest.approx(
        sorted(turned.width_px[turned.inside].tolist()), abs=2.1
    )


def test_a_map_without_vessels_has_none():
    found = cross_sections(np.zeros((32, 32), bool))
    assert not found.where.any() and found.width_px.size == 0


@pytest.mark.parametrize("gap", [6, 10, 18])
def test_even_widths_are_those_of_alike_vessels(gap):
    """A twig beside a trunk that it does not belong to keeps its width, and so does the trunk."""
    mask = np.zeros((80, 120), bool)
    mask[40:49] = True
    mask[40 - gap] = True
    found = cross_sections(mask, even_px=8.0)
    width = np.full(mask.shape, np.nan)
    width[found.where] = found.width_px
    assert width[40 - gap, 60] == pytest.approx(1, abs=0.05) and width[44, 60] == pytest.approx(9, abs=0.05)


def test_even_widths_have_no_steps_and_positions_stay():
    rows, columns = np.indices((60, 300))
    mask = np.abs(rows - 30.25) <= np.interp(columns, [0, 300], [1.3, 5.3])
    plain, even = cross_sections(mask), cross_sections(mask, even_px=8.0)
    assert np.array_equal(plain.where, even.where) and np.array_equal(plain.position, even.position)
    along = []
    for found in (plain, even):
        width = np.full(mask.shape, np.nan)
        width[found.where] = found.width_px
        along.append(width[30, 20:-20])
    # a level line has the largest steps there are, of two pixels
    assert 4 * np.abs(np.diff(along[1])).max() < np.abs(np.diff(along[0])).max()
    assert np.abs(along[1] - along[0]).max() < 1.5  # of a step of two pixels
    assert (np.diff(along[1]) > -0.01).all()
    assert not cross_sections(np.zeros((20, 20), bool), even_px=8.0).where.any()


def test_pixels_that_no_axis_reaches_take_no_other_vessels_width():
    """A wedge that opens faster than its inscribed circles grow, and a thread far below it."""
    rows, columns = np.indices((260, 160))
    wedge = np.abs(rows - 90) <= 0.6 * columns
    wedge[250] = True
    plain, even = cross_sections(wedge), cross_sections(wedge, even_px=8.0)
    unreached = plain.width_px < 0
    assert unreached.any() and (even.width_px[unreached] == -1).all()
