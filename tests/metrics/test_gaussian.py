from __future__ import annotations

import numpy as np
import pytest

from monai_fundusgen.metrics.functional.distribution import frechet_distance
from monai_fundusgen.metrics.functional.gaussian import frechet_between, gaussian_of


def sample(seed, count, size=12, shift=0.0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(count, size)) @ rng.normal(size=(size, size)) + shift


@pytest.mark.parametrize("cuts", [[40], [3, 50], [1, 2, 60]])
def test_batches_give_what_the_whole_gives(cuts):
    x = sample(0, 90, shift=1000.0)  # squares of such values would lose half of the digits
    parts = np.split(x, cuts)
    joined = gaussian_of(parts[0])
    for part in parts[1:]:
        joined = joined.joined(gaussian_of(part))
    assert joined.count == 90 and np.allclose(joined.mean, x.mean(axis=0))
    assert np.allclose(joined.root.T @ joined.root / 89, np.cov(x.T), rtol=1e-9)
    assert len(joined.root) <= x.shape[1]
    y = sample(1, 70)
    assert frechet_between(joined, gaussian_of(y)) == pytest.approx(frechet_distance(x, y), rel=1e-9)


def test_the_distance_of_gaussians_is_the_closed_form_in_one_dimension():
    x, y = np.random.default_rng(0).normal(1, 2, (400, 1)), np.random.default_rng(1).normal(4, 3, (300, 1))
    expected = (x.mean() - y.mean()) ** 2 + (x.std(ddof=1) - y.std(ddof=1)) ** 2
    assert frechet_between(gaussian_of(x), gaussian_of(y)) == pytest.approx(expected)


def test_a_singular_covariance_is_no_obstacle():
    x = np.repeat(sample(0, 1), 5, axis=0)
    assert frechet_between(gaussian_of(x), gaussian_of(x)) == 0
    assert frechet_between(gaussian_of(x), gaussian_of(x + 1)) == pytest.approx(12)


def test_one_row_and_other_widths_are_refused():
    with pytest.raises(ValueError, match="1 vectors of 12 features"):
        frechet_between(gaussian_of(sample(0, 1)), gaussian_of(sample(1, 5)))
    with pytest.raises(ValueError, match="of one width"):
        frechet_between(gaussian_of(sample(0, 5)), gaussian_of(sample(1, 5, 6)))
