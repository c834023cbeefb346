"""Parametrisations: four ways to say one thing; each conversion has its inverse, at the ends of the schedule too."""

import itertools

import pytest
import torch

from monai_fundusgen.diffusion.forward import diffuse
from monai_fundusgen.diffusion.parametrisation import PREDICTIONS, convert, denoised, predicted, target

LEVELS = [1e-12, 1e-4, 0.3, 0.5, 0.999, 1 - 1e-12]


def drawn(seed=0):
    rng = torch.Generator().manual_seed(seed)
    x_0 = torch.rand(3, 2, 4, 4, dtype=torch.float64, generator=rng) * 1.9 - 0.95
    return x_0, torch.randn(x_0.shape, dtype=torch.float64, generator=rng)


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("prediction", ["eps", "v", "x_0"])
def test_a_network_that_hits_its_target_denoises_perfectly(prediction, level):
    x_0, eps = drawn()
    abar = torch.tensor(level, dtype=torch.float64)
    estimate = denoised(target(x_0, eps, abar, prediction), diffuse(x_0, eps, abar), abar, prediction)
    torch.testing.assert_close(estimate, x_0, atol=1e-8 if level > 1e-6 else 1e-4, rtol=0)


def test_logits_of_the_target_probability_denoise_to_the_map():
    x_0, eps = drawn()
    logits = torch.logit(target(x_0, eps, torch.tensor(0.5), "logit"))
    torch.testing.assert_close(denoised(logits, x_0, torch.tensor(0.5), "logit"), x_0)


@pytest.mark.parametrize(("source", "wanted"), itertools.product(PREDICTIONS, PREDICTIONS))
@pytest.mark.parametrize("level", LEVELS)
def test_conversions_invert_each_other(source, wanted, level):
    x_0, eps = drawn()
    abar = torch.tensor([level] * 3, dtype=torch.float64)
    x_t = diffuse(x_0, eps, abar)
    output = predicted(x_0, x_t, abar, source)
    there = convert(output, x_t, abar, source, wanted)
    assert torch.isfinite(there).all()
    # a nearly clean sample says little of its noise, a nearly noisy one little of its signal: digits are lost
    back = convert(there, x_t, abar, wanted, source)
    torch.testing.assert_close(back, output, atol=1e-8 if 1e-6 < level < 0.9999 else 1e-3, rtol=1e-3)


def test_certain_logits_are_certain_maps_and_back():
    infinite = torch.tensor([-torch.inf, torch.inf])
    x_0 = denoised(infinite, torch.zeros(2), torch.tensor(0.5), "logit")
    assert x_0.tolist() == [-1, 1]
    assert torch.equal(predicted(x_0, torch.zeros(2), torch.tensor(0.5), "logit"), infinite)


def test_one_level_per_sample_is_the_scalar_case_row_by_row():
    x_0, eps = drawn()
    abar = torch.tensor([0.1, 0.5, 0.9], dtype=torch.float64)
    rows = torch.stack([denoised(eps[i : i + 1], x_0[i : i + 1], abar[i], "v")[0] for i in range(3)])
    torch.testing.assert_close(denoised(eps, x_0, abar, "v"), rows)


@pytest.mark.parametrize("prediction", PREDICTIONS)
def test_half_precision_outputs_give_float32_estimates(prediction):
    x_0, eps = (value.to(torch.bfloat16) for value in drawn())
    assert denoised(eps, x_0, torch.tensor(0.5), prediction).dtype == torch.float32


@pytest.mark.parametrize("function", [target, denoised, predicted])
def test_an_unknown_kind_is_named(function):
    with pytest.raises(ValueError, match="'score' is none of eps, v, x_0, logit"):
        function(torch.zeros(1), torch.zeros(1), torch.tensor(0.5), "score")
