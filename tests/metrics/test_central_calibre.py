import numpy as np
import pytest

from monai_fundusgen.metrics.functional.central_calibre import arteriole_venule_ratio, central_calibres_px
from monai_fundusgen.phantom.morphometry import central_equivalent


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
    assert artery == pytest.approx(central_equivalent([5] * 4, 0.88), rel=0.03)
    assert vein == pytest.approx(central_equivalent([7] * 4, 0.95), rel=0.03)
    assert arteriole_venule_ratio(vessels, (127.5, 127.5)) == pytest.approx(artery / vein)


def test_a_kind_without_vessels_has_no_ratio():
    vessels = np.stack([spokes(5), np.zeros((256, 256), dtype=bool)])
    assert np.isnan(arteriole_venule_ratio(vessels))
