"""MONAI's DiffusionInferer over our posterior: right at any number of steps, where MONAI's DDPM is not."""

import pytest
import torch
from monai.inferers import DiffusionInferer
from monai.networks.schedulers import DDIMScheduler, DDPMScheduler, Scheduler

from monai_fundusgen.diffusion.noise import SeededNoise
from monai_fundusgen.diffusion.parametrisation import predicted
from monai_fundusgen.diffusion.posterior import learned_variance, posterior_mean_std
from monai_fundusgen.diffusion.samplers import ddim, ddpm
from monai_fundusgen.diffusion.schedule import NoiseSchedule
from monai_fundusgen.inferers.scheduler import RespacedScheduler

LINEAR = NoiseSchedule.linear()
VARIANCE = 0.25


class IdealNoise(torch.nn.Module):
    """E[eps | x_t] for Gaussian data, with the call of MONAI's diffusion U-Net."""

    def forward(self, x, timesteps, context=None):
        abar = LINEAR.at(timesteps)
        x_0 = (abar.sqrt() * VARIANCE / (abar * VARIANCE + 1 - abar)).to(x) * x
        return predicted(x_0, x, abar, "eps")


def sample(scheduler, count, width=3_000):
    scheduler.set_timesteps(count)
    scheduler.noise = SeededNoise([0])
    start = torch.randn(1, 1, width, generator=torch.Generator().manual_seed(0))
    return DiffusionInferer(scheduler).sample(start, IdealNoise(), verbose=False)


@pytest.mark.parametrize("count", [1000, 250, 50])
@pytest.mark.parametrize("eta", [0.0, 1.0])
def test_monais_inferer_recovers_the_variance_of_gaussian_data(count, eta):
    found = sample(RespacedScheduler(LINEAR, eta=eta, clip=False), count)
    assert found.var().item() == pytest.approx(VARIANCE, abs=0.06)


def test_contrast_monais_ancestral_sampler_does_not():
    scheduler = DDPMScheduler(clip_sample=False)
    torch.manual_seed(0)
    assert sample(scheduler, 250).var().item() > 1.8 * VARIANCE


@pytest.mark.parametrize("count", [7, 300])
@pytest.mark.parametrize(("eta", "function"), [(0.0, ddim), (1.0, ddpm)])
def test_step_by_step_is_the_sampler(count, eta, function):
    scheduler = RespacedScheduler(LINEAR, eta=eta, clip=False)
    levels = LINEAR.levels(count, "uniform_t")
    start = torch.randn(1, 1, 3_000, generator=torch.Generator().manual_seed(0))
    ideal = lambda x, abar: (abar.sqrt() * VARIANCE / (abar * VARIANCE + 1 - abar)).to(x) * x
    expected = function(ideal, start, levels, SeededNoise([0]))
    torch.testing.assert_close(sample(scheduler, count), expected, atol=2e-3, rtol=0)


def test_the_face_is_monais():
    ours, theirs = RespacedScheduler(LINEAR), DDIMScheduler()
    assert isinstance(ours, Scheduler) and ours.num_train_timesteps == 1000
    for name in ("alphas_cumprod", "alphas", "betas"):
        torch.testing.assert_close(getattr(ours, name), getattr(theirs, name), atol=1e-5, rtol=1e-3)
    x, eps = torch.randn(2, 4, 1, 5, generator=torch.Generator().manual_seed(0))
    t = torch.tensor([0, 10, 500, 999])
    for name in ("add_noise", "get_velocity"):
        torch.testing.assert_close(getattr(ours, name)(x, eps, t), getattr(theirs, name)(x, eps, t))


def test_a_bfloat16_batch_leaves_the_table_alone():
    scheduler = RespacedScheduler(LINEAR)
    for method in (scheduler.add_noise, scheduler.get_velocity):
        assert method(*torch.ones(2, 3, 1).bfloat16(), torch.tensor([1, 2, 3])).dtype == torch.bfloat16
    assert scheduler.alphas_cumprod.dtype == torch.float32
    assert torch.equal(scheduler.schedule.abar, LINEAR.abar)


def test_a_network_with_twice_the_channels_has_learned_the_variance():
    scheduler = RespacedScheduler(LINEAR, "x_0", eta=1.0)
    scheduler.set_timesteps(10)
    scheduler.noise = SeededNoise([3])
    x_t, raw = torch.zeros(1, 2, 5), torch.full((1, 2, 5), 0.4)
    x_s, x_0 = scheduler.step(torch.cat([torch.ones(1, 2, 5), raw], 1), 999, x_t)
    abar_t, abar_s = LINEAR.levels(10, "uniform_t")[:2]
    std = learned_variance((raw + 1) / 2, abar_t, abar_s).sqrt()
    expected = posterior_mean_std(x_t, x_0, abar_t, abar_s)[0] + std * SeededNoise([3]).normal(2, 5)
    torch.testing.assert_close(x_s, expected)


def test_noise_belongs_to_samples_not_to_batches():
    def run(seeds):
        scheduler = RespacedScheduler(LINEAR, eta=1.0)
        scheduler.set_timesteps(5)
        scheduler.noise = SeededNoise(seeds)
        start = scheduler.noise.normal(1, 4)
        return DiffusionInferer(scheduler).sample(start, lambda x, timesteps, context: 0.1 * x, verbose=False)

    assert torch.equal(run([4, 5, 6])[[2]], run([6]))


def test_what_cannot_work_says_why():
    scheduler = RespacedScheduler(LINEAR, eta=1.0)
    scheduler.set_timesteps(10)
    with pytest.raises(ValueError, match="SeededNoise"):
        scheduler.step(torch.zeros(1, 1), 999, torch.zeros(1, 1))
    with pytest.raises(ValueError, match="timestep 998 is not one of the 10"):
        scheduler.step(torch.zeros(1, 1), 998, torch.zeros(1, 1))
    with pytest.raises(ValueError, match="1001 levels"):
        scheduler.set_timesteps(1001)
    with pytest.raises(ValueError, match="eta"):
        RespacedScheduler(LINEAR, eta=1.5)
    with pytest.raises(ValueError, match="score"):
        RespacedScheduler(LINEAR, "score")
