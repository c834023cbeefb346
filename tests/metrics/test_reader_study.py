"""Statistics of reading studies: hand values, scipy, Table I of the paper, and readers of known skill."""

import numpy as np
import pytest
from scipy import integrate, stats
from scipy.special import expit

from monai_fundusgen.metrics.functional.reader_study import (
    area_bootstrap,
    clustered_half_width,
    clustered_mean,
    fleiss_kappa,
    placements,
    reader_areas,
    roc_points,
    signal_detection,
    two_way_bootstrap,
    wilson_interval,
)


@pytest.mark.parametrize(("successes", "trials"), [(0, 1), (1, 1), (0, 20), (12, 20), (20, 20), (33, 80), (500, 1000)])
def test_wilson_is_scipys(successes, trials):
    expected = stats.binomtest(successes, trials).proportion_ci(method="wilson")
    assert wilson_interval(successes, trials) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_nothing_answered_says_nothing():
    assert wilson_interval(0, 0) == (0, 1)
    nobody = np.full((3, 4), np.nan)
    assert np.isnan(clustered_mean(nobody)) and np.isnan(clustered_half_width(nobody))
    assert np.isnan(two_way_bootstrap(nobody, np.random.default_rng(0))).all()
    assert np.isnan(fleiss_kappa(np.zeros((3, 2), np.int64)))


#: Number of pictures of 20 that 0, 1, 2, 3 and 4 of 4 readers judged correctly; % and half width as printed.
TABLE_I = {
    "real": ((1, 0, 14, 0, 5), 60.0, 11.47),
    "diffusion without structure": ((0, 1, 1, 3, 15), 90.0, 8.99),
    "diffusion with structure": ((1, 6, 12, 1, 0), 41.25, 7.35),
    "StyleGAN2 with structure": ((8, 6, 6, 0, 0), 22.5, 9.34),
}


@pytest.mark.parametrize("row", TABLE_I)
def test_the_rows_of_table_i(row):
    """Go et al. 2024; 11.47 is not to be had from 4 readers and 20 pictures, the nearest is 11.46."""
    counts, share, half_width = TABLE_I[row]
    right = np.repeat(np.arange(5), counts)
    answers = np.stack([(right > reader).astype(np.float64) for reader in range(4)])
    assert 100 * clustered_mean(answers) == pytest.approx(share, abs=1e-9)
    assert 100 * clustered_half_width(answers) == pytest.approx(half_width, abs=0.0101 if row == "real" else 0.005)


def test_missing_answers_are_left_out_not_counted_as_wrong():
    answers = np.array([[1, 0, np.nan], [1, np.nan, np.nan]])
    assert clustered_mean(answers) == 0.5
    assert clustered_half_width(answers) == pytest.approx(stats.norm.ppf(0.975) * np.std([1, 0], ddof=1) / np.sqrt(2))


def test_signal_detection_on_hand_values():
    """69.15 % hits and 30.85 % false alarms are d' = 1 without bias (z = +-0.5)."""
    even = signal_detection(69150, 100000, 30850, 100000)
    assert even == pytest.approx((1.0, 0.0), abs=1e-3)
    lenient = signal_detection(30850, 100000, 6681, 100000)  # z = -0.5 and -1.5: "synthetic" is said too seldom
    assert lenient == pytest.approx((1.0, 1.0), abs=1e-3)
    assert signal_detection(20, 20, 0, 20) == pytest.approx((2 * stats.norm.ppf(20.5 / 21), 0.0))
    assert signal_detection(0, 0, 0, 0) == pytest.approx((0.0, 0.0))


def test_the_roc_area_is_mann_whitneys_and_that_of_the_curve():
    rng = np.random.default_rng(1)
    signals, noises = rng.integers(-2, 6, 30), rng.integers(-5, 4, 40)
    area = reader_areas(placements(signals[None].astype(float), noises[None].astype(float)))[0]
    assert area == pytest.approx(stats.mannwhitneyu(signals, noises).statistic / (30 * 40), abs=1e-12)
    points = roc_points(signals, noises)
    assert area == pytest.approx(integrate.trapezoid(points[:, 1], points[:, 0]), abs=1e-12)
    assert (points[0] == 0).all() and (points[-1] == 1).all() and (np.diff(points, axis=0) >= 0).all()


def test_a_reader_without_one_kind_of_pictures_has_no_area():
    areas = reader_areas(placements(np.array([[1.0], [np.nan]]), np.array([[0.0], [2.0]])))
    assert areas[0] == 1 and np.isnan(areas[1])


def test_fleiss_kappa_on_the_example_of_the_literature():
    """Ten subjects, 14 raters, five categories: kappa 0.210 (the worked example that follows Fleiss 1971)."""
    counts = [
        [0, 0, 0, 0, 14], [0, 2, 6, 4, 2], [0, 0, 3, 5, 6], [0, 3, 9, 2, 0], [2, 2, 8, 1, 1],
        [7, 7, 0, 0, 0], [3, 2, 6, 3, 0], [2, 5, 3, 2, 2], [6, 5, 2, 1, 0], [0, 2, 2, 3, 7],
    ]  # fmt: skip
    assert fleiss_kappa(np.array(counts)) == pytest.approx(0.210, abs=5e-4)


def test_fleiss_kappa_at_its_ends():
    assert fleiss_kappa(np.array([[4, 0], [0, 4]])) == 1
    assert fleiss_kappa(np.array([[1, 1], [1, 1]])) == -1
    assert np.isnan(fleiss_kappa(np.array([[4, 0], [4, 0]])))
    assert fleiss_kappa(np.array([[4, 0], [0, 4], [1, 0]])) == 1  # a picture that one reader saw


def test_the_two_way_bootstrap_has_the_variance_of_its_source():
    """Owen 2007: pure noise counts three times, less what is lost to finite numbers of readers and images."""
    rng = np.random.default_rng(2)
    answers = rng.standard_normal((30, 40))
    low, high = two_way_bootstrap(answers, rng, num_resamples=8000)
    readers, images = answers.mean(axis=1).var(), answers.mean(axis=0).var()
    total = answers.var()
    variance = readers / 30 + images / 40 + (total - readers - images) / 1200 + (readers + images) / 1200
    expected = 2 * stats.norm.ppf(0.975) * np.sqrt(variance)
    assert high - low == pytest.approx(expected, rel=0.06)


def simulated(rng, studies, readers, images, spread_readers, spread_images, mean):
    """Answers (studies, readers, images) of readers and images with an effect each on the logit of being right."""
    skill = rng.normal(0, spread_readers, (studies, readers, 1))
    ease = rng.normal(0, spread_images, (studies, 1, images))
    return (rng.random((studies, readers, images)) < expit(mean + skill + ease)).astype(np.float64)


def within(intervals, truth):
    return np.mean([low <= truth <= high for low, high in intervals])


NUM_STUDIES = 500


@pytest.mark.parametrize("probability", [0.3, 0.5, 0.8])
def test_wilson_recovers_a_readers_skill(probability):
    rng = np.random.default_rng(3)
    right = rng.binomial(80, probability, NUM_STUDIES)
    assert within([wilson_interval(count, 80) for count in right], probability) == pytest.approx(0.95, abs=0.03)


@pytest.mark.parametrize("mean", [-0.4, 0.4])
def test_the_clustered_interval_recovers_the_skill_of_given_readers(mean):
    """Images differ; what the readers of Table I would score on all images like these."""
    rng = np.random.default_rng(4)
    answers = simulated(rng, NUM_STUDIES, 4, 40, 0.0, 0.6, mean)
    truth = expectation(mean, 0.6)
    found = [(clustered_mean(one), clustered_half_width(one)) for one in answers]
    assert within([(middle - half, middle + half) for middle, half in found], truth) == pytest.approx(0.95, abs=0.03)


def expectation(mean, spread):
    """Mean of the logistic function over a normal logit."""
    density = lambda x: expit(mean + spread * x) * stats.norm.pdf(x)
    return integrate.quad(density, -8, 8)[0]


SLOW = pytest.mark.slow


@pytest.mark.parametrize(
    ("readers", "images", "mean"),
    [(5, 20, 0.4), pytest.param(8, 40, 0.4, marks=SLOW), pytest.param(10, 40, -0.4, marks=SLOW)],
)
def test_the_two_way_bootstrap_recovers_the_skill_of_readers_like_these(readers, images, mean):
    """Readers and images differ; the interval over the images alone misses the skill far more often."""
    rng = np.random.default_rng(5)
    answers = simulated(rng, NUM_STUDIES, readers, images, 0.8, 0.6, mean)
    truth = expectation(mean, 1.0)
    both = within([two_way_bootstrap(one, rng, num_resamples=300) for one in answers], truth)
    assert both == pytest.approx(0.95, abs=0.03)
    alone = [(clustered_mean(one), clustered_half_width(one)) for one in answers]
    assert within([(middle - half, middle + half) for middle, half in alone], truth) < both - 0.1


@SLOW
def test_the_roc_interval_recovers_a_known_area():
    """Scores of equal variance whose means differ by d' = 1: area = Phi(1 / sqrt 2)."""
    rng = np.random.default_rng(6)
    found = []
    for _ in range(200):
        ease = rng.normal(0, 0.5, (1, 40))
        noise = rng.normal(0, np.sqrt(0.75), (5, 40))
        score = ease + noise + np.repeat([1.0, 0.0], 20) + rng.normal(0, 0.3, (5, 1))
        found.append(area_bootstrap(placements(score[:, :20], score[:, 20:]), rng, num_resamples=300))
    assert within(found, stats.norm.cdf(1 / np.sqrt(2))) == pytest.approx(0.95, abs=0.045)
