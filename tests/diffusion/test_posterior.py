"""The posterior: Bayes' rule by quadrature, Chapman-Kolmogorov, both ends of the schedule."""

import pytest
import torch

from monai_fundusgen.diffusion.posterior import learned_variance, posterior_mean_std, posterior_variance


def level(value):
    return torch.tensor(value, dtype=torch.float64)


@pytest.mark.parametrize(("abar_t", "abar_s"), [(0.2, 0.6), (1e-3, 0.01), (0.9, 0.999)])
def test_it_is_bayes_rule_on_a_grid(abar_t, abar_s):
    x_0, x_t = 0.7, -0.4
    x_s = torch.linspace(-8, 8, 400_001, dtype=torch.float64)
    ratio = abar_t / abar_s
    log_density = -((x_s - abar_s**0.5 * x_0) ** 2) / (2 * (1 - abar_s)) - (x_t - ratio**0.5 * x_s) ** 2 / (
        2 * (1 - ratio)
    )
    weight = torch.softmax(log_density, 0)
    mean = (weight * x_s).sum()
    std = (weight * (x_s - mean) ** 2).sum().sqrt()
    found = posterior_mean_std(level([x_t]), level([x_0]), level(abar_t), level(abar_s))
    assert [value.item() for value in found] == pytest.approx([mean.item(), std.item()], rel=1e-6)


@pytest.mark.parametrize(("abar_t", "abar_s", "abar_r"), [(0.1, 0.4, 0.8), (1e-6, 1e-3, 0.5), (0.5, 0.99, 1.0)])
def test_two_steps_compose_to_one(abar_t, abar_s, abar_r):
    """q(x_r | x_t) is the integral of q(x_r | x_s) q(x_s | x_t): Chapman-Kolmogorov."""
    x_t, x_0 = level([1.3, -0.2]), level([0.6, -1.0])
    t, s, r = level(abar_t), level(abar_s), level(abar_r)
    mean_s, std_s = posterior_mean_std(x_t, x_0, t, s)
    mean_r, std_r = posterior_mean_std(mean_s, x_0, s, r)
    slope = posterior_mean_std(level([1.0]), level([0.0]), s, r)[0]
    mean, std = posterior_mean_std(x_t, x_0, t, r)
    torch.testing.assert_close(mean_r, mean)
    torch.testing.assert_close((std_r**2 + (slope * std_s) ** 2).sqrt().expand(1), std.expand(1))


def test_the_step_to_a_clean_sample_is_the_estimate_itself():
    x_0 = level([0.3, -1.0])
    mean, std = posterior_mean_std(level([5.0, 5.0]), x_0, level(0.2), level(1.0))
    assert torch.equal(mean, x_0) and std == 0


@pytest.mark.parametrize(("abar_t", "abar_s"), [(1e-300, 1e-12), (1 - 1e-12, 1 - 1e-14), (1e-12, 1 - 1e-12), (0.3, 1)])
def test_the_ends_of_the_schedule_are_finite(abar_t, abar_s):
    mean, std = posterior_mean_std(level([1.0]), level([-1.0]), level(abar_t), level(abar_s))
    fraction = level([0.0, 0.5, 1.0])
    variance = learned_variance(fraction, level(abar_t), level(abar_s))
    for value in (mean, std, variance):
        assert torch.isfinite(value).all()


def test_learned_variance_runs_between_its_bounds_linearly_in_the_log():
    t, s = level(0.2), level(0.6)
    fraction = torch.linspace(0, 1, 5, dtype=torch.float64)
    log = learned_variance(fraction, t, s).log()
    assert log[0].exp().item() == pytest.approx(posterior_variance(t, s).item())
    assert log[-1].exp().item() == pytest.approx(1 - 0.2 / 0.6)
    torch.testing.assert_close(log.diff(), log.diff()[:1].expand(4))


def test_learned_variance_can_be_trained_at_the_clean_end_too():
    fraction = torch.tensor([0.0, 0.5, 1.0], requires_grad=True)
    learned_variance(fraction, level(0.9), level(1.0)).sum().backward()
    assert torch.isfinite(fraction.grad).all()
