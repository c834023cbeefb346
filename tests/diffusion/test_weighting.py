"""Weights: the tilt of the paper's loss in closed form, and level weights that agree across parametrisations."""

import itertools
import math

import pytest
import torch

from monai_fundusgen.diffusion.forward import diffuse
from monai_fundusgen.diffusion.noise import SeededNoise
from monai_fundusgen.diffusion.parametrisation import PREDICTIONS, predicted
from monai_fundusgen.diffusion.samplers import dpm_solver
from monai_fundusgen.diffusion.schedule import NoiseSchedule
from monai_fundusgen.diffusion.weighting import (
    capped_inverse_noise,
    edm,
    exponential,
    min_snr,
    per_prediction,
    shift_logits,
    snr_of,
)
from tests.reference.patch_mixture import PatchMixture

ABAR = torch.tensor([1e-9, 0.01, 0.5, 0.99, 1 - 1e-9], dtype=torch.float64)


@pytest.mark.parametrize("c", [-1.0, 0.0, 0.5, 2.0])
def test_the_best_estimate_under_the_weight_has_log_odds_moved_by_2c(c):
    """Among all constant answers, argmin E[exp(c x_0) (x_0 - a)^2] for P(x_0 = 1) = p is tanh((log-odds + 2c) / 2)."""
    p = 0.12
    x_0, chance = torch.tensor([1.0, -1.0], dtype=torch.float64), torch.tensor([p, 1 - p], dtype=torch.float64)
    answers = torch.linspace(-1, 1, 200_001, dtype=torch.float64)
    risk = (chance * exponential(x_0, c) * (x_0 - answers[:, None]) ** 2).sum(1)
    best = answers[risk.argmin()]
    assert (2 * torch.atanh(best)).item() == pytest.approx(math.log(p / (1 - p)) + 2 * c, abs=1e-3)
    assert shift_logits(best, c).item() == pytest.approx(2 * p - 1, abs=1e-4)


@pytest.mark.parametrize("c", [0.25, 2.0, 30.0])
def test_normalised_weights_have_mean_one(c):
    fraction = 0.125
    x_0 = torch.full((800,), -1.0)
    x_0[:100] = 1
    assert exponential(x_0, c, vessel_fraction=fraction).mean().item() == pytest.approx(1, rel=1e-4)


def test_a_weight_too_strong_for_float32_is_refused_by_name():
    assert torch.isfinite(exponential(torch.tensor([1.0, -1.0]), 30.0)).all()
    for c in (31.0, -1000.0, math.inf, math.nan):
        with pytest.raises(ValueError, match="overflows"):
            exponential(torch.zeros(1), c)
    with pytest.raises(ValueError, match="outside"):
        exponential(torch.zeros(1), 1.0, vessel_fraction=12.5)


def test_half_precision_maps_are_weighted_in_float32():
    assert exponential(torch.ones(1, dtype=torch.float16), 20.0).item() == pytest.approx(math.exp(20), rel=1e-5)


def test_untilting_keeps_certain_pixels_and_is_undone_by_its_opposite():
    x_0 = torch.tensor([-1.0, -0.5, 0.0, 0.9, 1.0], dtype=torch.float64)
    for shift in (0.5, 30.0):
        moved = shift_logits(x_0, shift)
        assert moved[[0, -1]].tolist() == [-1, 1] and torch.isfinite(moved).all()
    torch.testing.assert_close(shift_logits(shift_logits(x_0, 0.7), -0.7), x_0)
    assert shift_logits(torch.tensor([1 + 1e-6, -1 - 1e-6]), 0.5).tolist() == [1, -1]  # rounding beyond the ends
    torch.testing.assert_close(shift_logits(x_0[1:4], 0.7), torch.tanh(torch.atanh(x_0[1:4]) - 0.7))


@pytest.mark.parametrize("weight", [min_snr, edm, capped_inverse_noise])
@pytest.mark.parametrize(("one", "other"), itertools.combinations(["eps", "v", "x_0"], 2))
def test_the_weighted_error_is_the_same_in_every_parametrisation(weight, one, other):
    rng = torch.Generator().manual_seed(0)
    x_0, wrong, eps = torch.randn(3, 3, 6, dtype=torch.float64, generator=rng)
    abar = ABAR[1:4]
    x_t = diffuse(x_0, eps, abar)
    error = lambda prediction: (
        (predicted(x_0, x_t, abar, prediction) - predicted(wrong, x_t, abar, prediction)).square().mean(1)
    )
    torch.testing.assert_close(weight(abar, one) * error(one), weight(abar, other) * error(other))


def test_an_ideal_network_takes_its_density_from_high_noise():
    """Tilted only where log-snr < 1, samples of binary patches are as dense as tilted everywhere.

    So a weight on high noise alone thickens as much: the answers at low noise are certain, and stay.
    """
    mixture = PatchMixture()
    levels, x_T = NoiseSchedule.linear().levels(20), SeededNoise([0]).normal(2000, 16)[0]

    def density(below):
        denoise = lambda x, abar: mixture.denoise(x, abar, 1.0 if torch.logit(abar) < below else 0.0)
        return (dpm_solver(denoise, x_T, levels) > 0).float().mean().item()

    plain, high_noise, everywhere = density(-math.inf), density(1.0), density(math.inf)
    assert everywhere > 1.3 * plain
    assert high_noise == pytest.approx(everywhere, rel=0.02)


def test_known_values():
    snr = snr_of(ABAR)
    torch.testing.assert_close(min_snr(ABAR, "eps"), torch.minimum(torch.ones_like(snr), 5 / snr))
    torch.testing.assert_close(min_snr(ABAR, "v"), torch.minimum(snr, snr.new_tensor(5)) / (snr + 1))
    sigma = snr**-0.5
    torch.testing.assert_close(edm(ABAR, "x_0"), (sigma**2 + 0.25) / (0.5 * sigma) ** 2)
    torch.testing.assert_close(capped_inverse_noise(ABAR, "logit"), torch.minimum(1 + snr, snr.new_tensor(10)))
    torch.testing.assert_close(per_prediction(snr, ABAR, "eps"), torch.ones_like(snr))


@pytest.mark.parametrize(("weight", "prediction"), itertools.product([min_snr, edm, capped_inverse_noise], PREDICTIONS))
def test_weights_are_finite_and_positive_at_both_ends(weight, prediction):
    found = weight(ABAR, prediction)
    assert torch.isfinite(found).all() and (found > 0).all()
