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


def by_singular_values(x, y):
    roots = [(one - one.mean(axis=0)) / np.sqrt(len(one) - 1) for one in (x, y)]
    shared = np.linalg.svd(roots[0] @ roots[1].T, compute_uv=False).sum()
    return ((x.mean(axis=0) - y.mean(axis=0)) ** 2).sum() + sum((root**2).sum() for root in roots) - 2 * shared


@pytest.mark.parametrize("fall", [0.0, 0.5, 2.0, 6.0])
def test_eigenvalues_are_taken_where_they_have_the_digits(fall):
    """Spectra from flat to one that spans 24 decades: the roots of its smallest eigenvalues are lost in a product."""
    scale = np.arange(1, 41) ** -(2 * fall)
    x, y = sample(0, 200, 40) * scale, 1.1 * sample(1, 150, 40) * scale
    assert frechet_distance(x, y) == pytest.approx(by_singular_values(x, y), rel=1e-8)


def test_the_quick_way_is_quick_because_it_takes_no_singular_values(monkeypatch):
    x, y = sample(0, 90), sample(1, 70)
    expected = by_singular_values(x, y)
    monkeypatch.setattr(np.linalg, "svd", lambda *_, **__: pytest.fail("singular values"))
    assert frechet_distance(x, y) == pytest.approx(expected, rel=1e-9)


def test_a_column_that_says_nothing_new_is_left_to_the_singular_values():
    x, y = sample(0, 90), sample(1, 70)
    x[:, 3], y[:, 3] = x[:, 4], y[:, 4]
    assert frechet_distance(x, y) == pytest.approx(by_singular_values(x, y), rel=1e-9)
