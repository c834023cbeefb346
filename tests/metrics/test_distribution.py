from __future__ import annotations

import numpy as np
import pytest

from monai_fundusgen.metrics.functional.distribution import (
    bootstrap_interval,
    frechet_distance,
    frechet_infinity,
    gaussian_mmd,
    kernel_distance,
    kernel_distance_error,
    kolmogorov_smirnov,
    median_distance,
    neighbour_figures,
    wasserstein_1,
)


def sample(seed, count, size=16, shift=0.0):
    """Correlated Gaussian features."""
    mixing = np.random.default_rng(99).normal(size=(size, size)) / np.sqrt(size)
    return np.random.default_rng(seed).normal(size=(count, size)) @ mixing + shift


def frechet_by_eigenvalues(x, y):
    """tr (C_x C_y)^(1/2) is the sum of the roots of the eigenvalues of C_x C_y."""
    cx, cy = np.cov(x.T), np.cov(y.T)
    eigenvalues = np.linalg.eigvals(cx @ cy).real.clip(min=0)
    return ((x.mean(0) - y.mean(0)) ** 2).sum() + np.trace(cx) + np.trace(cy) - 2 * np.sqrt(eigenvalues).sum()


@pytest.mark.parametrize(("n", "m"), [(200, 300), (40, 300), (60, 60)])
def test_frechet_distance_equals_the_eigenvalue_form(n, m):
    x, y = sample(0, n, 32), sample(1, m, 32, shift=0.2) * 1.3
    assert frechet_distance(x, y) == pytest.approx(frechet_by_eigenvalues(x, y), rel=1e-5)


def test_frechet_distance_with_fewer_samples_than_features():
    x, y = sample(0, 12, 40), sample(1, 15, 40)
    assert frechet_distance(x, y) == pytest.approx(frechet_by_eigenvalues(x, y), rel=1e-4)


def test_frechet_distance_of_a_sample_to_itself_is_zero_and_of_a_shift_its_square():
    x = sample(0, 100)
    assert frechet_distance(x, x) == pytest.approx(0, abs=1e-9)
    assert frechet_distance(x, x + 0.5) == pytest.approx(16 * 0.25)
    assert frechet_distance(x, 3 * x) == pytest.approx(4 * np.trace(np.cov(x.T)) + 4 * (x.mean(0) ** 2).sum())


def test_frechet_distance_is_symmetric_and_turns_with_the_features():
    x, y = sample(0, 80), sample(1, 90, shift=0.3)
    turn = np.linalg.qr(np.random.default_rng(3).normal(size=(16, 16)))[0]
    assert frechet_distance(y, x) == pytest.approx(frechet_distance(x, y))
    assert frechet_distance(x @ turn, y @ turn) == pytest.approx(frechet_distance(x, y))


def test_extrapolation_takes_most_of_the_small_sample_bias_away():
    reference, other = sample(0, 4000), sample(1, 600)
    biased = frechet_distance(reference, other[:60])
    value, slope = frechet_infinity(reference, other, sizes=[60, 100, 200, 400], rng=np.random.default_rng(0))
    assert slope > 0
    assert abs(value) < 0.2 * biased
    with pytest.raises(ValueError, match="two or more"):
        frechet_infinity(reference, other, sizes=[60, 60], rng=np.random.default_rng(0))


def test_kernel_distance_of_equal_distributions_is_near_zero_and_rises_with_a_shift():
    rng = np.random.default_rng(0)
    values = [kernel_distance(sample(0, 400), sample(1, 400, shift=s), rng=rng) for s in (0.0, 0.2, 0.4, 0.8)]
    assert abs(values[0][0]) < 2 * values[0][1]
    assert np.all(np.diff([mean for mean, _ in values]) > 0)


def test_kernel_distance_is_unbiased():
    """Over many small samples of one distribution the mean is 0 within its standard error."""
    rng = np.random.default_rng(1)
    pairs = [(sample(2 * i, 20), sample(2 * i + 1, 20)) for i in range(300)]
    found = [kernel_distance(x, y, rng=rng, subset_size=20, subsets=1)[0] for x, y in pairs]
    assert abs(np.mean(found)) < 3 * np.std(found) / np.sqrt(300)


def test_kernel_distance_by_its_sums():
    x, y = sample(0, 7, 3), sample(1, 7, 3)
    kernel = lambda a, b: (a @ b / 3 + 1) ** 3
    within = sum(kernel(s[i], s[j]) for s in (x, y) for i in range(7) for j in range(7) if i != j) / 42
    between = sum(kernel(a, b) for a in x for b in y) / 49
    found, _ = kernel_distance(x, y, rng=np.random.default_rng(0), subset_size=7, subsets=1)
    assert found == pytest.approx(within - 2 * between)


def test_gaussian_mmd_sees_a_shift():
    near, far = (gaussian_mmd(sample(0, 200), sample(1, 200, shift=s), sigma=4.0) for s in (0.0, 1.0))
    assert abs(near) < 0.01 < far


def test_neighbour_figures_of_identical_samples():
    x = sample(0, 200)
    found = neighbour_figures(x, x)
    assert (found.precision, found.recall, found.coverage) == (1.0, 1.0, 1.0)
    assert found.density == pytest.approx(1.0)


def test_neighbour_figures_tell_invention_from_narrowness():
    real = sample(0, 300, 4)
    narrow, wide = neighbour_figures(real, sample(1, 300, 4) * 0.2), neighbour_figures(real, sample(1, 300, 4) * 4)
    assert narrow.precision > 0.95 > 0.5 > narrow.recall
    assert narrow.coverage < 0.5
    assert wide.precision < 0.5 < wide.recall
    apart = neighbour_figures(real, real + 1000)
    assert (apart.precision, apart.recall, apart.density, apart.coverage) == (0, 0, 0, 0)


def test_figures_of_one_dimension_by_definition():
    x, y = np.array([0.0, 1.0, 3.0, 3.5]), np.array([5.0, 6.0, 8.0, 0.5])
    assert wasserstein_1(x, y) == pytest.approx(np.abs(np.sort(x) - np.sort(y)).mean())
    steps = np.sort(np.concatenate([x, y]))
    assert kolmogorov_smirnov(x, y) == pytest.approx(max(abs((x <= s).mean() - (y <= s).mean()) for s in steps))


def test_bootstrap_covers_the_truth_about_as_often_as_it_says():
    mean_difference = lambda a, b: float(a.mean() - b.mean())
    hits = 0
    for seed in range(100):
        rng = np.random.default_rng(seed)
        found = bootstrap_interval(mean_difference, rng.normal(1, 1, 40), rng.normal(0, 1, 40), rng=rng, rounds=200)
        hits += found.low <= 1 <= found.high
    assert 86 <= hits <= 99


def test_bootstrap_repeats_with_its_seed():
    x, y = sample(0, 50)[:, 0], sample(1, 40)[:, 0]
    first, second = (bootstrap_interval(wasserstein_1, x, y, rng=np.random.default_rng(4), rounds=50) for _ in range(2))
    assert first == second


def test_shapes_are_checked():
    with pytest.raises(ValueError, match=r"\(3, 4\) and \(3, 5\)"):
        frechet_distance(np.zeros((3, 4)), np.zeros((3, 5)))
    with pytest.raises(ValueError, match="N, M >= 100"):
        kernel_distance(sample(0, 50), sample(1, 50), rng=np.random.default_rng(0))


def test_the_error_of_the_kernel_distance_is_that_of_leaving_each_row_out():
    x, y = sample(0, 7, 3), sample(1, 6, 3)
    whole = lambda a, b: kernel_distance_error(a, b)[0]
    value, error = kernel_distance_error(x, y)
    variance = 0.0
    for less in (
        [whole(np.delete(x, i, 0), y) for i in range(7)],
        [whole(x, np.delete(y, i, 0)) for i in range(6)],
    ):
        variance += (len(less) - 1) / len(less) * np.sum((less - np.mean(less)) ** 2)
    assert error == pytest.approx(np.sqrt(variance))
    whole_subset = kernel_distance(x[:6], y, rng=np.random.default_rng(0), subset_size=6, subsets=1)[0]
    assert whole(x[:6], y) == pytest.approx(whole_subset)
    assert value == pytest.approx(whole(x[::-1], y))


def test_the_interval_of_the_kernel_distance_holds_zero_for_equal_distributions():
    found = [kernel_distance_error(sample(2 * i, 30), sample(2 * i + 1, 40)) for i in range(60)]
    assert np.mean([abs(value) <= 2 * error for value, error in found]) >= 0.93
    value, error = kernel_distance_error(sample(0, 30), sample(1, 40, shift=1.0))
    assert value > 3 * error


def test_a_centred_interval_lies_round_its_distance():
    x, y = sample(0, 40), sample(1, 40)
    rng = np.random.default_rng(0)
    plain, centred = (
        bootstrap_interval(frechet_distance, x, y, rng=rng, rounds=100, centred=centred) for centred in (False, True)
    )
    assert plain.low > plain.value  # repeated rows make every bootstrap distance larger
    assert centred.low < centred.value < centred.high


def test_features_that_are_no_numbers_are_refused_with_their_row():
    x = sample(0, 20)
    x[7, 3] = np.nan
    with pytest.raises(ValueError, match="1 of 20 rows hold NaN or infinity, the first is row 7"):
        frechet_distance(sample(1, 10), x)


def test_the_median_distance_is_that_of_all_pairs():
    x, y = sample(0, 9), sample(1, 8)
    assert median_distance(x, y) == pytest.approx(np.median([np.linalg.norm(a - b) for a in x for b in y]))
