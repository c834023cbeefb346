"""Traced vessels made even: what varies slowly stays, what wavers goes, trees stay."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from monai_fundusgen.phantom.anatomy import Anatomy
from monai_fundusgen.phantom.tree import grow_retina
from monai_fundusgen.sampling.label_drawing import EVENING
from monai_fundusgen.sampling.sources import area_average
from monai_fundusgen.vessels.drawing import rasterise
from monai_fundusgen.vessels.tracing.evening import Evening, evened, smoothed
from monai_fundusgen.vessels.tracing.links import pieces_of
from monai_fundusgen.vessels.tracing.paths import KindPaths, VesselPaths
from monai_fundusgen.vessels.tracing.vectorise import vectorise

DISC = (0.0, 40.0)


def line(length=160, radius=2.0):
    """One vessel that runs down from the disc, two points a pixel."""
    points = np.stack([np.arange(length) / 2, np.full(length, 40.0)], axis=1)
    return KindPaths(points, np.full(length, radius), np.array([0, length]), np.array([[0, 1]]))


def fork(parent_radius, child_radius):
    """A vessel of two paths, and a branch that leaves it between them."""
    upper, lower, branch = (
        np.linspace(a, b, 80) for a, b in (((0, 40), (40, 40)), ((40, 40), (80, 40)), ((40, 40), (60, 60)))
    )
    radius = np.repeat([parent_radius, parent_radius, child_radius], 80).astype(float)
    nodes = np.array([[0, 1], [1, 2], [1, 3]])
    return KindPaths(np.concatenate([upper, lower, branch]), radius, np.array([0, 80, 160, 240]), nodes)


def test_a_straight_course_is_left_to_the_last_digit():
    values = np.stack([np.linspace(3, 9, 50), np.linspace(-1, 4, 50)], axis=1)
    np.testing.assert_allclose(smoothed(values, np.ones(50), 30.0), values, atol=1e-8)


def test_half_of_a_wave_of_the_named_period_is_left():
    phase = 2 * np.pi * np.arange(600) / 40
    left = smoothed(np.sin(phase)[:, None], np.ones(600), 40.0)[100:500, 0]
    assert np.abs(left).max() == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize("count", [3, 4, 5, 23])
def test_the_least_squares_are_those_of_the_full_matrix(count):
    rng = np.random.default_rng(0)
    values, weights = rng.normal(size=(count, 2)), rng.uniform(0.1, 3, count)
    second = np.diff(np.eye(count), 2, axis=0)
    stiffness = (2 * np.sin(np.pi / 9)) ** -4
    whole = np.linalg.solve(np.diag(weights) + stiffness * second.T @ second, weights[:, None] * values)
    np.testing.assert_allclose(smoothed(values, weights, 9.0), whole, atol=1e-10)


def test_a_wavering_wall_becomes_even_and_a_taper_stays():
    vessel = line()
    taper = np.linspace(2.5, 1.5, 160)
    wavering = replace(vessel, radius_px=taper * (1 + 0.3 * np.sin(2 * np.pi * np.arange(160) / 16)))
    found = evened(wavering, Evening(width_px=40, course_px=0), DISC)
    np.testing.assert_allclose(found.radius_px[10:-10], taper[10:-10], rtol=0.08)
    assert np.array_equal(found.points_rc, vessel.points_rc)


def test_a_staircase_becomes_a_course_and_its_ends_stay():
    vessel = line()
    steps = vessel.points_rc + np.array([0.0, 0.5]) * ((np.arange(160) // 4) % 2)[:, None]
    found = evened(replace(vessel, points_rc=steps), Evening(width_px=0, course_px=16), DISC)
    assert np.ptp(found.points_rc[20:-20, 1]) < 0.2 < np.ptp(steps[20:-20, 1])
    assert np.array_equal(found.points_rc[[0, -1]], steps[[0, -1]])
    assert np.array_equal(found.radius_px, vessel.radius_px)


def test_a_branch_keeps_its_own_width_at_its_fork():
    found = evened(fork(3.0, 1.0), Evening(course_px=0), DISC)
    assert np.allclose(found.radius_px[:160], 3) and np.allclose(found.radius_px[162:], 1, atol=0.3)
    assert found.radius_px[160] < 1.5


def test_an_excess_is_taken_off_but_never_more_than_43_percent():
    found = evened(fork(3.0, 0.2), Evening(0, 0, excess_px=0.4), DISC)
    assert np.allclose(found.radius_px[:160], 2.8) and np.allclose(found.radius_px[160:], 0.114)


def test_a_wide_vessel_takes_a_smoother_course_than_a_thin_one():
    wave = 0.5 * np.sin(2 * np.pi * np.arange(160) / 24)  # 12 px long
    left = []
    for radius in (0.4, 2.0):
        vessel = line(radius=radius)
        waving = replace(vessel, points_rc=vessel.points_rc + np.stack([np.zeros(160), wave], axis=1))
        found = evened(waving, Evening(width_px=0, course_px=3, course_widths=6), DISC)
        left.append(np.ptp(found.points_rc[40:-40, 1]) / np.ptp(wave))
    assert left[0] > 0.9 and left[1] < 0.2


def test_a_course_goes_smoothly_through_a_fork_and_its_branch_follows():
    bent = fork(2.0, 0.4)
    bent = replace(
        bent, points_rc=bent.points_rc + np.stack([np.zeros(240), np.exp(-((bent.points_rc[:, 0] - 40) ** 2) / 8)], 1)
    )
    found = evened(bent, Evening(width_px=0, course_px=3, course_widths=8), DISC)
    at_fork = found.points_rc[[79, 80, 160]]
    assert np.ptp(at_fork, axis=0).max() == 0 and at_fork[0, 1] < 40.4 < bent.points_rc[79, 1]
    assert np.hypot(*np.diff(found.points_rc[160:], axis=0).T).max() < 0.6  # no step where the branch begins
    assert np.array_equal(found.points_rc[[0, 159, 239]], bent.points_rc[[0, 159, 239]])


def test_a_loop_stays_closed():
    ring = 20 + 10 * np.stack([np.sin(np.linspace(0, 2 * np.pi, 90)), np.cos(np.linspace(0, 2 * np.pi, 90))], axis=1)
    stem = np.stack([np.linspace(0, 20, 40), np.full(40, 30.0)], axis=1)
    paths = KindPaths(
        np.concatenate([stem, ring]), np.full(130, 1.0), np.array([0, 40, 130]), np.array([[0, 1], [1, 1]])
    )
    inside = np.ones((60, 60), bool)
    inside[:10] = False
    found = evened(paths, Evening(width_px=36, course_px=3, course_widths=8, tip_px=0.4), (0.0, 30.0), inside=inside)
    assert found.radius_px.min() > 0.9  # where it closes it does not end
    assert np.ptp(found.points_rc[[39, 40, 129]], axis=0).max() < 1e-9
    assert np.hypot(*np.diff(found.points_rc[40:], axis=0).T).max() < 2 * np.hypot(*np.diff(ring, axis=0).T).max()


def away_from_disc(radius_px=10):
    """Where vessels end by themselves: everywhere but near the disc."""
    rows, columns = np.ogrid[:100, :100]
    return np.hypot(rows - DISC[0], columns - DISC[1]) > radius_px


def test_a_trunk_that_ends_inside_the_field_tapers_towards_its_end():
    found = evened(line(radius=1.5), Evening(0, 0, tip_px=0.6), DISC, inside=away_from_disc())
    assert found.radius_px[-1] == pytest.approx(0.3) and found.radius_px[0] == 1.5
    assert (np.diff(found.radius_px) <= 0).all() and np.diff(found.radius_px).min() > -0.02


def test_a_trunk_that_the_field_cuts_keeps_its_width():
    for inside in (np.zeros((100, 100), bool), np.ones((60, 60), bool)):  # the second ends before the vessel does
        inside[:10] = False
        assert (evened(line(radius=1.5), Evening(0, 0, tip_px=0.6), DISC, inside=inside).radius_px == 1.5).all()


def test_a_vessel_that_begins_without_a_trunk_tapers_there_too():
    away = replace(line(length=100, radius=1.0), points_rc=line(length=100).points_rc + [30.0, 0.0])
    found = evened(away, Evening(0, 0, tip_px=0.6), DISC, inside=away_from_disc())
    assert found.radius_px[[0, -1]] == pytest.approx([0.3, 0.3]) and found.radius_px.max() > 0.7


def test_at_a_fork_the_longest_branch_says_how_far_the_end_is():
    forked = fork(1.0, 0.5)  # the trunk goes on for 40 px, its branch for 28
    found = evened(forked, Evening(0, 0, tip_px=0.4), DISC, inside=away_from_disc())
    trunk = evened(forked.kept(np.array([True, True, False])), Evening(0, 0, tip_px=0.4), DISC, inside=away_from_disc())
    np.testing.assert_allclose(found.radius_px[:160], trunk.radius_px)
    assert found.radius_px[160] <= found.radius_px[79] and found.radius_px[-1] == pytest.approx(0.2)


def test_a_short_branch_follows_its_fork():
    bent = fork(2.0, 0.4)
    bent = KindPaths(bent.points_rc[:163], bent.radius_px[:163], np.array([0, 80, 160, 163]), bent.nodes)
    bump = np.exp(-((bent.points_rc[:, 0] - 40) ** 2) / 8)
    bent = replace(bent, points_rc=bent.points_rc + np.stack([np.zeros(163), bump], axis=1))
    found = evened(bent, Evening(width_px=0, course_px=3, course_widths=8), DISC)
    steps = np.hypot(*np.diff(found.points_rc[160:], axis=0).T)
    assert found.points_rc[79, 1] < bent.points_rc[79, 1] - 0.4 and np.array_equal(
        found.points_rc[162], bent.points_rc[162]
    )
    assert np.ptp(steps) < 0.1  # else the first one alone takes up what the fork has moved


def test_a_fine_vessel_keeps_its_tip():
    assert (evened(line(radius=0.2), Evening(0, 0, tip_px=0.6), DISC).radius_px == 0.2).all()


def test_nothing_asked_for_nothing_done():
    wavering = replace(line(), radius_px=np.random.default_rng(0).uniform(1, 2, 160))
    found = evened(wavering, Evening(width_px=0, course_px=0), DISC)
    assert np.array_equal(found.points_rc, wavering.points_rc) and np.array_equal(found.radius_px, wavering.radius_px)


@pytest.mark.parametrize("disc", [DISC, (np.nan, np.nan)])
def test_no_vessels_are_no_error(disc):
    none = KindPaths(np.zeros((0, 2)), np.zeros(0), np.zeros(1, np.int64), np.zeros((0, 2), np.int64))
    assert not len(evened(none, Evening(), disc).nodes)


@pytest.mark.parametrize("evening", [Evening(), replace(EVENING, tip_px=0.0)])  # phantoms end as drawn
@pytest.mark.parametrize("seed", [1, 2])
def test_a_true_map_keeps_its_trees_and_nearly_all_of_its_pixels(seed, evening):
    retina = grow_retina(seed, anatomy=Anatomy(diameter_deg=60.0, cut=0.716))
    raster = rasterise(retina, 1024)
    paths = vectorise(area_average(raster.label, 256).numpy())
    row_column = tuple(float(one) / 4 for one in retina.landmarks_rc(1024)[0])
    kinds = [evened(kind, evening, row_column) for kind in (paths.artery, paths.vein)]
    for before, after in zip((paths.artery, paths.vein), kinds, strict=True):
        assert np.array_equal(pieces_of(before), pieces_of(after))
    plain = paths.label(1024) & raster.fov
    even = VesselPaths(*kinds, 256).label(1024) & raster.fov
    for kind in (0, 1):
        dice = 2 * (plain[kind] & even[kind]).sum() / (plain[kind].sum() + even[kind].sum())
        assert dice > 0.93, dice
        assert even[kind].sum() == pytest.approx(plain[kind].sum(), rel=0.03)
