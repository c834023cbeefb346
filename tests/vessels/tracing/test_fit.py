from __future__ import annotations

import numpy as np
import pytest

from monai_fundusgen.vessels.tracing.fit import covered_share, fit_paths
from monai_fundusgen.vessels.tracing.paths import KindPaths


def straight(a_rc, b_rc, radius, count=60):
    points = np.linspace(a_rc, b_rc, count)
    return KindPaths(points, np.full(count, radius), np.array([0, count]), np.array([[0, 1]]))


def supersampled(a_rc, b_rc, radius, size, by=32):
    """Share of each pixel within the radius of a line segment, by counting."""
    rows, columns = (np.mgrid[: size * by, : size * by] + 0.5) / by - 0.5
    d = np.subtract(b_rc, a_rc)
    t = np.clip(((rows - a_rc[0]) * d[0] + (columns - a_rc[1]) * d[1]) / (d @ d), 0, 1)
    inside = np.hypot(rows - a_rc[0] - t * d[0], columns - a_rc[1] - t * d[1]) <= radius
    return inside.reshape(size, by, size, by).mean(axis=(1, 3))


@pytest.mark.parametrize("angle_deg", [0, 13, 38, 72, 90])
@pytest.mark.parametrize("radius", [0.12, 0.4, 1.3])
def test_the_drawing_covers_what_counting_finds(angle_deg, radius):
    step = 30 * np.array([np.sin(np.deg2rad(angle_deg)), np.cos(np.deg2rad(angle_deg))])
    a, b = np.array([15.6, 15.2]) - step, np.array([15.6, 15.2]) + step  # out of the map on both sides
    found = covered_share(straight(a, b, radius), 32)
    assert found == pytest.approx(supersampled(a, b, radius, 32), abs=0.04)
    rows_of_counting = 1 / (32 * 2 * radius)
    assert found.sum() == pytest.approx(supersampled(a, b, radius, 32).sum(), rel=0.01 + rows_of_counting)


@pytest.mark.parametrize("blur_px", [0.0, 0.7])
def test_fitting_finds_the_paths_that_a_map_was_drawn_from(blur_px):
    truth = straight((6.2, 5.1), (25.4, 24.9), 0.7)
    soft = covered_share(truth, 32, blur_px=blur_px)
    guess = straight((6.7, 5.9), (24.2, 23.1), 0.3)
    fit_paths(guess, soft, rounds=25, blur_px=blur_px)
    assert guess.points_rc[[0, -1]] == pytest.approx(truth.points_rc[[0, -1]], abs=0.15)
    assert np.median(guess.radius_px) == pytest.approx(0.7, abs=0.02)
    assert np.abs(soft - covered_share(guess, 32, blur_px=blur_px)).max() < 0.12


def test_paths_of_one_node_stay_together():
    star = [np.linspace((16, 16), end, 20) for end in ((4, 14), (28, 8), (22, 29))]
    paths = KindPaths(
        np.concatenate(star), np.full(60, 0.5), np.array([0, 20, 40, 60]), np.array([[0, 1], [0, 2], [0, 3]])
    )
    soft = covered_share(paths, 32)
    paths.points_rc += 0.3
    before = np.abs(soft - covered_share(paths, 32)).sum()
    fit_paths(paths, soft, rounds=10)
    assert np.ptp(paths.points_rc[[0, 20, 40]], axis=0) == pytest.approx(0, abs=1e-9)
    assert np.abs(soft - covered_share(paths, 32)).sum() < before / 4


def test_no_paths_draw_nothing_and_fit_nothing():
    none = KindPaths(np.zeros((0, 2)), np.zeros(0), np.zeros(1, np.int64), np.zeros((0, 2), np.int64))
    fit_paths(none, np.ones((16, 16), np.float32), rounds=2)
    assert not covered_share(none, 16).any()
