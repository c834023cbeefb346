"""The phantom's ground for other painters: strength by channel, grain of each channel by itself."""

from __future__ import annotations

import numpy as np
import pytest

from monai_fundusgen.phantom.appearance import draw_appearance
from monai_fundusgen.phantom.ground_layers import ground_layers
from monai_fundusgen.phantom.tree import grow_retina

SIZE = 256


@pytest.fixture(scope="module")
def layers():
    eye = grow_retina(5)
    appearance = draw_appearance(np.random.default_rng(1))

    def of(**options):
        return ground_layers(eye.landmarks, appearance, eye.field, SIZE, np.random.default_rng(2), **options)

    return of


def test_strength_scales_the_texture_of_each_channel(layers):
    whole, half = layers().texture, layers(strength=(0.5, 1.0, 0.0)).texture
    assert 0.01 < whole.std() < 0.2
    np.testing.assert_allclose(half[0] - 1, 0.5 * (whole[0] - 1), atol=1e-5)
    np.testing.assert_allclose(half[1], whole[1], atol=1e-5)
    np.testing.assert_array_equal(half[2], 1)


def test_grain_is_of_each_channel_by_itself_and_strays_no_farther_than_asked(layers):
    grain = (0.02, 0.05, 0.1)
    fine = layers(strength=(0.0, 0.0, 0.0), grain=grain).texture - 1
    spread = fine.std(axis=(1, 2)) / grain
    np.testing.assert_allclose(spread, spread[0], rtol=0.03)
    assert 0.4 < spread[0] < 0.6  # the spline halves it
    correlation = np.corrcoef(fine.reshape(3, -1))[np.triu_indices(3, 1)]
    assert np.abs(correlation).max() < 0.03 and np.abs(fine.mean(axis=(1, 2))).max() < 0.003


def test_grain_leaves_disc_and_texture_as_they_are(layers):
    plain, grained = layers(), layers(grain=(0.01, 0.01, 0.01))
    np.testing.assert_array_equal(plain.disc, grained.disc)
    np.testing.assert_array_equal(plain.cover, grained.cover)
    assert (grained.texture - plain.texture).std() < 0.01
