import numpy as np
import pytest

from monai_fundusgen.vessels.central_calibre import arteriole_venule_ratio, central_calibres_px, knudtson


def spokes(width, side=256):
    """Four bars of a width that leave the middle of the map."""
    picture = np.zeros((side, side), dtype=bool)
    first, last = side // 2 - width // 2, side // 2 - width // 2 + width
    picture[first:last, :] = True
    picture[:, first:last] = True
    return picture


def test_bars_of_known_width_give_their_central_equivalent():
    vessels = np.stack([spokes(5), spokes(7)])
    artery, vein = central_calibres_px(vessels, (127.5, 127.5))
    assert artery == pytest.approx(knudtson([5] * 4, 0.88), rel=0.03)
    assert vein == pytest.approx(knudtson([7] * 4, 0.95), rel=0.03)
    assert arteriole_venule_ratio(vessels, (127.5, 127.5)) == pytest.approx(artery / vein)


def test_a_kind_without_vessels_has_no_ratio():
    vessels = np.stack([spokes(5), np.zeros((256, 256), dtype=bool)])
    assert np.isnan(arteriole_venule_ratio(vessels))


def test_knudtson_by_hand():
    assert knudtson([3.0, 4.0], 0.88) == pytest.approx(0.88 * 5)
    first = [0.95 * np.hypot(1, 6), 0.95 * np.hypot(2, 5), 0.95 * np.hypot(3, 4)]  # six: three pairs
    middle = sorted(first)[1]
    last = 0.95 * np.hypot(min(first), max(first))
    assert knudtson([1, 2, 3, 4, 5, 6, 0.5], 0.95) == pytest.approx(0.95 * np.hypot(middle, last))
    assert np.isnan(knudtson([5.0], 0.88))


def test_the_equivalent_of_a_tree_that_divides_evenly_is_its_root():
    c = 0.9
    daughter = 100.0 / (c * np.sqrt(2))
    grandchild = daughter / (c * np.sqrt(2))
    assert knudtson([grandchild] * 4, c) == pytest.approx(100.0)


def test_the_widest_is_paired_with_the_narrowest():
    first = 0.88 * np.hypot(90, 30), 0.88 * np.hypot(70, 50)
    assert knudtson([70, 30, 90, 50], 0.88) == pytest.approx(0.88 * np.hypot(*first))
    odd = 0.88 * np.hypot(90, 30), 70
    assert knudtson([90, 30, 70], 0.88) == pytest.approx(0.88 * np.hypot(*odd))
