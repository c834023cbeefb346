"""Samplers against ideal denoisers, whose distributions are known, and against the schedulers of diffusers."""

import pytest
import torch
from monai.networks.schedulers import DDPMScheduler

from monai_fundusgen.diffusion.noise import SeededNoise
from monai_fundusgen.diffusion.samplers import SOLVERS, ddim, ddpm, dpm_solver, heun, num_levels, sampler_of, unipc
from monai_fundusgen.diffusion.schedule import NoiseSchedule
from monai_fundusgen.diffusion.weighting import shift_logits
from tests.reference.patch_mixture import PatchMixture

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


def ideal_density(x, abar, fractions=(0.05, 0.2)):
    """E[x_0 | x_t] for maps of independent pixels whose vessel fraction is one of two, equally often."""
    u = (abar.sqrt() / (1 - abar)).to(x) * x
    odds = torch.logit(torch.tensor(fractions))
    evidence = [(torch.nn.functional.logsigmoid(-z) + torch.nn.functional.softplus(2 * u + z)).sum(1) for z in odds]
    share = torch.softmax(torch.stack(evidence, 1), 1)
    return sum(share[:, k : k + 1] * torch.tanh(u + odds[k] / 2) for k in range(2))


@pytest.mark.parametrize("spacing", ["log_snr", "uniform_t", "karras"])
def test_the_density_of_large_maps_is_right(spacing):
    x_T = torch.randn(40, 20_000, generator=torch.Generator().manual_seed(0))
    schedule = NoiseSchedule.cosine(log_snr_shift=-1.4)
    density = (dpm_solver(ideal_density, x_T, schedule.levels(10, spacing)) > 0).float().mean(1)
    assert 0.3 < (density > 0.12).float().mean() < 0.7
    assert density.sort().values[[0, -1]].tolist() == pytest.approx([0.05, 0.2], abs=0.02)


def test_contrast_starting_at_a_cleaner_level_makes_large_maps_too_dense():
    x_T = torch.randn(40, 20_000, generator=torch.Generator().manual_seed(0))
    levels = torch.sigmoid(torch.linspace(-8, 6, 10, dtype=torch.float64))
    density = (dpm_solver(ideal_density, x_T, torch.cat([levels, levels.new_ones(1)])) > 0).float().mean(1)
    assert (density > 0.12).float().mean() > 0.75


@pytest.mark.parametrize(
    ("solver", "spacing", "evaluations"),
    [("ddpm", "uniform_t", 250), ("ddim", "uniform_t", 100), ("dpm_solver", "log_snr", 30),
     ("dpm_solver", "uniform_t", 15), ("dpm_solver", "karras", 30), ("unipc", "log_snr", 20),
     ("unipc", "uniform_t", 10), ("heun", "uniform_t", 31)],
)  # fmt: skip
def test_binary_patches_come_as_often_as_they_should(solver, spacing, evaluations):
    mixture, count = PatchMixture(), 16_000
    exact = [mixture.total_variation(mixture.draw(count, torch.Generator().manual_seed(seed))) for seed in range(60)]
    levels = NoiseSchedule.cosine(log_snr_shift=-1.4).levels(num_levels(solver, evaluations), spacing)
    noise = SeededNoise([0])
    x_0 = sampler_of(solver)(mixture.denoise, noise.normal(count, 16), levels, noise)
    assert mixture.total_variation(x_0) <= max(exact)
    assert mixture.spread(x_0) == pytest.approx(1, abs=0.03)


def test_a_tilted_denoiser_thickens_vessels_and_untilting_cures_it():
    """The paper's weight moves each pixel's log-odds by 2c; diffusion.weighting.shift_logits takes it back."""
    mixture, c = PatchMixture(), 0.5
    levels = NoiseSchedule.cosine(log_snr_shift=-1.4).levels(20)
    tilted = lambda x, abar: mixture.denoise(x, abar, tilt=c)
    cured = lambda x, abar: shift_logits(tilted(x, abar), c)
    x_T = SeededNoise([0]).normal(4_000, 16)
    fraction = lambda denoise: (dpm_solver(denoise, x_T, levels) > 0).float().mean().item()
    true = ((mixture.frequencies @ mixture.patches).mean().item() + 1) / 2
    assert fraction(tilted) > 1.1 * true
    assert fraction(cured) == pytest.approx(true, rel=0.04)


@pytest.mark.parametrize("solver", SOLVERS)
def test_the_denoiser_is_called_as_often_as_asked_and_never_at_a_clean_level(solver):
    calls = []
    seen = lambda x, abar: (calls.append(abar), gaussian(x, abar))[1]
    reached = []
    levels = LINEAR.levels(num_levels(solver, 9), "log_snr")
    final = sampler_of(solver)(seen, start(5), levels, SeededNoise([0]), lambda i, x, x_0: reached.append((i, x)))
    assert len(calls) == 9 and all(0 < abar < 1 for abar in calls)
    assert [index for index, _ in reached] == list(range(len(levels) - 1))
    assert torch.equal(reached[-1][1], final)


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_coefficients_do_not_suffer_from_the_samples_dtype(solver, dtype):
    x_T = start(50)
    levels = LINEAR.levels(20, "log_snr")
    low = sampler_of(solver)(gaussian, x_T.to(dtype), levels, SeededNoise([1]))
    assert low.dtype == dtype
    full = sampler_of(solver)(gaussian, x_T, levels, SeededNoise([1]))
    tolerance = 1e-4 if dtype == torch.float32 else 0.1
    torch.testing.assert_close(low.double(), full, atol=tolerance, rtol=tolerance)


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("levels", [[1e-300, 1e-12, 0.5, 1 - 1e-12, 1.0], [0.2, 0.9], [1e-9, 1.0]])
def test_extreme_and_partial_chains_stay_finite(solver, levels):
    x = sampler_of(solver)(gaussian, start(5), torch.tensor(levels, dtype=torch.float64), SeededNoise([1]))
    assert torch.isfinite(x).all()


@pytest.mark.parametrize("levels", [[0.5, 0.2, 1.0], [0.5, 0.5, 1.0], [0.0, 1.0], [0.5, 1.5], [0.5]])
def test_levels_that_do_not_rise_are_refused(levels):
    with pytest.raises(ValueError, match="NoiseSchedule.levels|at most 1"):
        ddim(gaussian, start(5), torch.tensor(levels))


def test_solvers_that_add_noise_ask_for_it():
    with pytest.raises(ValueError, match="SeededNoise"):
        ddpm(gaussian, start(5), LINEAR.levels(3))
    with pytest.raises(ValueError, match="SeededNoise"):
        ddim(gaussian, start(5), LINEAR.levels(3), eta=0.5)


@pytest.mark.parametrize(
    ("solver", "count", "hint"),
    [
        ("heun", 20, "19 or 21"),
        ("ddim", 0, "at least 1"),
        ("unipc", 2.5, "2.5 evaluations; ask for a whole number"),
        ("ddpm", "many", "'many' evaluations"),
        ("euler", 5, "dpm_solver"),
    ],  # fmt: skip
)
def test_counts_that_a_solver_cannot_make_name_the_way_out(solver, count, hint):
    with pytest.raises(ValueError, match=hint):
        num_levels(solver, count)


def test_names_lead_to_functions():
    found = [sampler_of(name) for name in ("ddpm", "ddim", "dpm_solver", "heun", "unipc")]
    assert found == [ddpm, ddim, dpm_solver, heun, unipc]
    with pytest.raises(ValueError, match="'euler' is none of"):
        sampler_of("euler")


def theirs(scheduler, x, denoise, **step):
    """Run one of diffusers' schedulers on an ideal denoiser; returns the sample."""
    for t in scheduler.timesteps:
        abar = scheduler.alphas_cumprod[t].double()
        output = denoise(x, abar)
        x = scheduler.step(output, t, x, return_dict=False, **step)[0]
    return x


@pytest.mark.parametrize("count", [2, 10, 25])
def test_ddim_agrees_with_diffusers(count):
    diffusers = pytest.importorskip("diffusers")
    scheduler = diffusers.DDIMScheduler(
        beta_schedule="linear", prediction_type="sample", clip_sample=False, timestep_spacing="trailing"
    )
    scheduler.set_timesteps(count)
    expected = theirs(scheduler, start(20), gaussian, eta=0.0)
    assert scheduler.timesteps.tolist() == LINEAR.time_of(LINEAR.levels(count, "uniform_t")[:-1]).round().tolist()
    torch.testing.assert_close(
        ddim(gaussian, start(20), LINEAR.levels(count, "uniform_t")), expected, atol=2e-4, rtol=0
    )


@pytest.mark.parametrize("count", [2, 10, 25])
@pytest.mark.parametrize("name", ["dpm_solver", "unipc"])
def test_multistep_solvers_agree_with_diffusers(name, count):
    diffusers = pytest.importorskip("diffusers")
    if name == "dpm_solver":
        scheduler = diffusers.DPMSolverMultistepScheduler(
            beta_schedule="linear", prediction_type="sample", timestep_spacing="trailing", final_sigmas_type="zero"
        )
    else:
        scheduler = diffusers.UniPCMultistepScheduler(
            beta_schedule="linear", prediction_type="sample", timestep_spacing="trailing", final_sigmas_type="zero"
        )
    scheduler.set_timesteps(count)
    expected = theirs(scheduler, start(20), gaussian)
    found = sampler_of(name)(gaussian, start(20), LINEAR.levels(count, "uniform_t"))
    torch.testing.assert_close(found, expected, atol=2e-3, rtol=0)
