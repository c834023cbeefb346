"""The classifier of groups: nothing where there is nothing, everything where there is something, p as it should be."""

import numpy as np
import pytest

from monai_fundusgen.metrics.functional.leak import nearest_neighbour_leak

GROUPS = np.repeat([0, 1, 2], 20)


def test_equal_features_tell_nothing():
    leak = nearest_neighbour_leak(np.ones((60, 3)), GROUPS, np.random.default_rng(0))
    assert leak.accuracy == pytest.approx(leak.chance) == pytest.approx(19 / 59) and leak.p_value == 1


def test_one_telling_feature_tells_all():
    rng = np.random.default_rng(0)
    leak = nearest_neighbour_leak((GROUPS == 2)[:, None].astype(float), GROUPS, rng)
    assert leak.accuracy == pytest.approx((2 * 19 / 39 + 1) / 3) and leak.p_value == pytest.approx(0.001)


def test_p_is_uniform_on_noise():
    rng = np.random.default_rng(1)
    found = [
        nearest_neighbour_leak(rng.standard_normal((24, 2)), np.arange(24) % 2, rng, num_deals=99).p_value
        for _ in range(120)
    ]
    assert np.mean(np.array(found) <= 0.05) == pytest.approx(0.05, abs=0.045)
    assert np.mean(np.array(found) <= 0.5) == pytest.approx(0.5, abs=0.15)
