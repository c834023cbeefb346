import numpy as np
import pytest

from monai_fundusgen.metrics.functional.vessel_classes import class_names, class_of, disc_distance, vessel_width_px


def bars(widths, side=256):
    """Vessels of these widths, one below the other, and the rows that each begins at."""
    plane, starts = np.zeros((side, side), dtype=bool), []
    for place, width in enumerate(widths):
        starts.append(20 + 50 * place)
        plane[starts[-1] : starts[-1] + width, 30:-30] = True
    return plane, starts


def test_every_pixel_of_a_vessel_has_its_width():
    plane, starts = bars([1, 2, 5, 12])
    width = vessel_width_px(plane[None])
    assert np.isnan(width[~plane]).all()
    for row, drawn in zip(starts, [1, 2, 5, 12], strict=True):
        found = width[row : row + drawn, 50:-50]
        assert found == pytest.approx(drawn, abs=0.3), drawn


def test_kinds_are_measured_apart_and_the_wider_counts_where_they_cross():
    thick, _ = bars([9])
    thin = np.zeros_like(thick)
    thin[:, 128:130] = True
    width = vessel_width_px(np.stack([thick, thin]))
    assert width[24, 128] == pytest.approx(9, abs=0.3) and width[150, 128] == pytest.approx(2, abs=0.3)


def test_a_speck_has_a_width_and_an_empty_plane_none():
    plane = np.zeros((1, 32, 32), dtype=bool)
    assert np.isnan(vessel_width_px(plane)).all()
    plane[0, 5, 5] = True
    assert vessel_width_px(plane)[5, 5] == 1


def test_classes_begin_at_their_lower_edge():
    edges = (0.0, 2.0, 5.0)
    assert class_of(np.array([0.0, 1.9, 2.0, 4.9, 5.0, 90.0, np.nan]), edges).tolist() == [0, 0, 1, 1, 2, 2, -1]
    assert class_names(edges) == ["under 2", "2-5", "5 and more"]


def test_distance_is_in_diameters_of_the_field():
    found = disc_distance((100, 200), (50.0, 20.0), 80.0)
    assert found[50, 20] == 0 and found[50, 100] == 1 and found[10, 20] == 0.5
    assert np.isnan(disc_distance((4, 4), (float("nan"), float("nan")), 4.0)).all()
