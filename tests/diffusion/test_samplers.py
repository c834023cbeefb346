"""Samplers against ideal denoisers, whose distributions are known, and against the schedulers of diffusers."""

import pytest
import torch
from monai.networks.schedulers import DDPMScheduler

from monai_fundusgen.diffusion.noise import SeededNoise
from monai_fundusgen.diffusion.samplers import ddim, ddpm, num_levels, sampler_of
from monai_fundusgen.diffusion.schedule import NoiseSchedule

VARIANCE = 0.25
LINEAR = NoiseSchedule.linear()


def gaussian(x, abar):
    """E[x_0 | x_t] for x_0 of variance 0.25."""
    return abar.sqrt() * VARIANCE * x / (abar * VARIANCE + 1 - abar)


def start(count=20_000, seed=0):
    return torch.randn(1, count, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("num_steps", [1000, 250, 50])
def test_ancestral_sampling_recovers_the_variance_of_gaussian_data(num_steps):
    x = ddpm(gaussian, start(), LINEAR.levels(num_steps, "uniform_t"), SeededNoise([0]))
    assert x.var().item() == pytest.approx(VARIANCE, abs=0.06)


@pytest.mark.parametrize(("num_steps", "right"), [(1000, True), (250, False), (50, False)])
def test_contrast_monai_is_right_on_the_full_chain_only(num_steps, right):
    scheduler = DDPMScheduler(clip_sample=False, prediction_type="sample")
    scheduler.set_timesteps(num_steps)
    x, rng = start(4_000), torch.Generator().manual_seed(1)
    for t in scheduler.timesteps:
        x, _ = scheduler.step(gaussian(x, scheduler.alphas_cumprod[t]), t, x, generator=rng)
    assert (x.var().item() == pytest.approx(VARIANCE, abs=0.06)) is right


@pytest.mark.parametrize("solver", ["ddim", "dpm_solver", "heun", "unipc"])
@pytest.mark.parametrize("spacing", ["log_snr", "karras"])
def test_deterministic_solvers_map_normal_noise_to_gaussian_data(solver, spacing):
    x_T = start(100)
    levels = LINEAR.levels(num_levels(solver, 201), spacing)
    x = sampler_of(solver)(gaussian, x_T, levels)
    # the flow of Gaussian data is linear: the sample keeps its quantile
    torch.testing.assert_close(x, VARIANCE**0.5 * x_T, atol=0, rtol=0.025)


@pytest.mark.parametrize(("solver", "order"), [("ddim", 1), ("dpm_solver", 2), ("heun", 2), ("unipc", 2)])
def test_halving_the_step_shows_the_order(solver, order):
    def error(steps):
        half = torch.linspace(-3, 3, steps + 1, dtype=torch.float64)
        levels = torch.sigmoid(2 * half)
        x = sampler_of(solver)(gaussian, torch.ones(1, 1, dtype=torch.float64), levels)
        spread = lambda abar: (abar * VARIANCE + 1 - abar).sqrt()
        return (x - spread(levels[-1]) / spread(levels[0])).abs().item()

    assert error(160) > 1e-12
    assert error(80) / error(160) > 0.85 * 2**order


def test_ancestral_sampling_is_ddim_with_eta_one():
    levels = LINEAR.levels(20, "uniform_t")
    torch.testing.assert_close(
        ddpm(gaussian, start(9), levels, SeededNoise([5])), ddim(gaussian, start(9), levels, SeededNoise([5]), eta=1.0)
    )
