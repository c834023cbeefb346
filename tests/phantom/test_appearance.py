"""Draws of an eye's look."""

from __future__ import annotations

import numpy as np

from monai_fundusgen.phantom.appearance import draw_appearance


def test_amounts_stay_in_range_and_average_eyes_are_average():
    rng = np.random.default_rng(0)
    drawn = [draw_appearance(rng) for _ in range(300)]
    for name in ("rpe_melanin", "choroidal_melanin", "choroidal_blood", "macular_pigment", "nerve_fibre", "crescent"):
        values = np.array([getattr(eye, name) for eye in drawn])
        assert values.min() >= 0
        assert values.max() <= 1
    for name in ("rpe_melanin", "choroidal_melanin", "choroidal_blood", "disc_pallor"):
        values = [getattr(eye, name) for eye in drawn]
        assert abs(np.mean(values) - 0.5) < 0.05
        assert np.std(values) > 0.15
    assert 0.2 < np.mean([eye.crescent > 0 for eye in drawn]) < 0.4
    assert abs(np.median([eye.haemoglobin for eye in drawn]) - 1) < 0.05
