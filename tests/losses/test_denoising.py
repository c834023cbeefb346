"""Losses: what minimises them, and what a batch of them is worth."""

import itertools

import pytest
import torch

from monai_fundusgen.diffusion.forward import diffuse
from monai_fundusgen.diffusion.parametrisation import predicted, target
from monai_fundusgen.diffusion.posterior import posterior_mean_std, posterior_variance
from monai_fundusgen.diffusion.schedule import NoiseSchedule
from monai_fundusgen.diffusion.weighting import capped_inverse_noise, edm, min_snr
from monai_fundusgen.losses.denoising import DenoisingLoss, LearnedVarianceLoss, LogitLoss

ABAR = torch.tensor([0.05, 0.5, 0.95], dtype=torch.float64)


def drawn(seed=0, dtype=torch.float64):
    rng = torch.Generator().manual_seed(seed)
    x_0 = (torch.rand(3, 2, 4, 4, generator=rng) < 0.3).to(dtype) * 2 - 1
    return x_0, torch.randn(x_0.shape, dtype=dtype, generator=rng)


@pytest.mark.parametrize("prediction", ["eps", "v", "x_0"])
def test_the_target_costs_nothing_and_an_error_its_square(prediction):
    x_0, eps = drawn()
    hit = target(x_0, eps, ABAR, prediction)
    assert DenoisingLoss(prediction)(hit, x_0, eps, ABAR) == 0
    assert DenoisingLoss(prediction)(hit + 0.5, x_0, eps, ABAR).item() == pytest.approx(0.25)


@pytest.mark.parametrize("weight", [min_snr, edm, capped_inverse_noise])
@pytest.mark.parametrize(("one", "other"), itertools.combinations(["eps", "v", "x_0"], 2))
def test_one_wrong_estimate_costs_the_same_in_every_parametrisation(weight, one, other):
    x_0, eps = drawn()
    x_t, wrong = diffuse(x_0, eps, ABAR), 0.3 * x_0
    costs = [
        DenoisingLoss(prediction, weight)(predicted(wrong, x_t, ABAR, prediction), x_0, eps, ABAR)
        for prediction in (one, other)
    ]
    torch.testing.assert_close(*costs)


def test_cross_entropy_is_least_at_the_soft_maps_own_log_odds():
    soft = torch.linspace(-0.9, 0.9, 7, dtype=torch.float64).reshape(1, 1, 1, 7)
    logits = torch.zeros_like(soft, requires_grad=True)
    best = torch.logit((soft + 1) / 2)
    for point, still in ((best, True), (best + 0.1, False)):
        logits = point.clone().requires_grad_()
        LogitLoss()(logits, soft, torch.zeros_like(soft), ABAR[:1]).backward()
        assert (logits.grad.abs().max().item() < 1e-12) is still


def test_cross_entropy_weighs_each_sample_by_its_level():
    x_0, eps = drawn()
    plain = LogitLoss(lambda abar, prediction: torch.ones_like(abar))
    each = torch.stack([plain(eps[i : i + 1], x_0[i : i + 1], eps, ABAR[:1]) for i in range(3)])
    expected = (each * torch.tensor([1 / 0.95, 2.0, 10.0], dtype=torch.float64)).mean()
    torch.testing.assert_close(LogitLoss()(eps, x_0, eps, ABAR), expected)


@pytest.mark.parametrize("loss", [LogitLoss(), DenoisingLoss("v", min_snr), DenoisingLoss("eps")])
def test_half_precision_outputs_give_float32_losses(loss):
    x_0, eps = drawn(dtype=torch.float32)
    assert loss(eps.bfloat16(), x_0, eps, ABAR).dtype == torch.float32


def test_confident_logits_cost_a_finite_amount():
    x_0, eps = drawn(dtype=torch.float32)
    assert torch.isfinite(LogitLoss()(1e4 * eps, x_0, eps, torch.tensor([1e-12, 0.5, 1 - 1e-12], dtype=torch.float64)))


def test_logits_have_a_loss_of_their_own():
    with pytest.raises(ValueError, match="take LogitLoss"):
        DenoisingLoss("logit")
    with pytest.raises(ValueError, match="none of"):
        DenoisingLoss("score")


SCHEDULE = NoiseSchedule.linear(200)


def learned(raw, t, shrunk=1.0):
    """Loss of an estimate that is ``shrunk`` times the truth, with one raw variance output everywhere."""
    x_0, eps = drawn()
    abar = SCHEDULE.at(torch.full((3,), t))
    x_t = diffuse(x_0, eps, abar)
    output = torch.cat([shrunk * x_0, raw.expand_as(x_0)], 1)
    return LearnedVarianceLoss(DenoisingLoss("x_0"), SCHEDULE, weight=1.0)(output, x_0, eps, abar), x_0, x_t, abar


@pytest.mark.parametrize("raw", [-0.9, 0.0, 0.9])
def test_the_variance_term_is_the_divergence_of_two_normals(raw):
    found, x_0, x_t, abar = learned(torch.tensor(raw, dtype=torch.float64), t=50, shrunk=0.8)
    before = SCHEDULE.at(torch.full((3,), 49))
    true = torch.distributions.Normal(*posterior_mean_std(x_t, x_0, abar[0], before[0]))
    upper, lower = 1 - abar[0] / before[0], posterior_variance(abar[0], before[0])
    variance = upper ** ((raw + 1) / 2) * lower ** ((1 - raw) / 2)
    guess = torch.distributions.Normal(posterior_mean_std(x_t, 0.8 * x_0, abar[0], before[0])[0], variance.sqrt())
    expected = 0.04 + torch.distributions.kl_divergence(true, guess).mean() / torch.tensor(2.0).log()
    torch.testing.assert_close(found, expected)


def test_a_perfect_estimate_asks_for_the_posteriors_variance():
    costs = [learned(torch.tensor(raw, dtype=torch.float64), t=3)[0].item() for raw in (-1.0, 0.0, 1.0)]
    assert costs[0] == pytest.approx(0, abs=1e-9) and costs[0] < costs[1] < costs[2]


def test_the_variance_term_does_not_move_the_mean():
    x_0, eps = drawn()
    abar = SCHEDULE.at(torch.tensor([50, 50, 50]))
    output = torch.cat([0.5 * x_0, 0.3 * eps], 1).requires_grad_()
    LearnedVarianceLoss(DenoisingLoss("x_0"), SCHEDULE)(output, x_0, eps, abar).backward()
    plain = (0.5 * x_0).requires_grad_()
    DenoisingLoss("x_0")(plain, x_0, eps, abar).backward()
    torch.testing.assert_close(output.grad[:, :2], plain.grad)
    assert output.grad[:, 2:].abs().min() > 0


def test_the_cleanest_level_is_finite_and_trained():
    output = torch.zeros(3, 4, 4, 4, dtype=torch.float64, requires_grad=True)
    x_0, eps = drawn()
    loss = LearnedVarianceLoss(LogitLoss(), SCHEDULE)(output, x_0, eps, SCHEDULE.at(torch.tensor([0, 1, 199])))
    loss.backward()
    assert torch.isfinite(loss) and torch.isfinite(output.grad).all()


def test_a_network_that_learned_no_variance_is_named():
    x_0, eps = drawn()
    with pytest.raises(ValueError, match="2 channels for maps of 2"):
        LearnedVarianceLoss(LogitLoss(), SCHEDULE)(eps, x_0, eps, ABAR)
