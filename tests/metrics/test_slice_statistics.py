"""Statistics of grey images: what they say of shifts, blur, copies."""

import numpy as np
import pytest
from scipy import ndimage

from monai_fundusgen.metrics.functional.slice_statistics import (
    correlations,
    histogram_distance,
    radial_power,
    spectrum_distance_db,
)


@pytest.fixture
def noise():
    return ndimage.gaussian_filter(np.random.default_rng(0).normal(0, 100, (6, 48, 48)), (0, 1, 1))


def test_a_shift_of_all_values_is_its_size(noise):
    assert histogram_distance(noise, noise) == 0
    assert histogram_distance(noise, noise + 30) == pytest.approx(30, rel=0.02)
    assert histogram_distance(np.zeros(3), np.zeros(5)) == 0


def test_a_wave_has_its_power_in_its_own_ring():
    wave = np.cos(2 * np.pi * 9 * np.arange(48) / 48)[None, :, None] * np.ones((1, 1, 48))
    assert np.argmax(radial_power(wave)) in (7, 8, 9)  # ring 9 is entry 8; the window widens it


def test_more_blur_is_further_away_and_half_the_contrast_is_six_decibels(noise):
    found = [spectrum_distance_db(ndimage.gaussian_filter(noise, (0, s, s)), noise) for s in (0, 0.4, 0.8, 1.6)]
    assert found[0] == 0 and found == sorted(found) and found[-1] > 10
    assert spectrum_distance_db(noise / 2, noise) == pytest.approx(20 * np.log10(2))


def test_copies_are_found_whatever_their_contrast_and_side(noise):
    copies = np.stack([noise[4] * 3 + 100, noise[1][:, ::-1], np.zeros((48, 48))])
    found = correlations(copies, noise)
    assert found[:2].argmax(axis=1).tolist() == [4, 1] and found[:2].max(axis=1) == pytest.approx([1, 1])
    assert (found[2] == 0).all() and np.sort(found[0])[-2] < 0.5
