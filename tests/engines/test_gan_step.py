from __future__ import annotations

import pytest
import torch
from ignite.engine import Events
from monai.data import MetaTensor
from monai.engines import SupervisedTrainer
from monai.handlers import from_engine
from monai.utils.enums import AdversarialKeys
from torch import nn

from monai_fundusgen.engines.gan_step import FEATURE_MATCHING_LOSS, PERCEPTUAL_LOSS, GanStep
from monai_fundusgen.losses.adversarial import least_squares_discriminator_loss, least_squares_generator_loss
from monai_fundusgen.losses.feature_matching import feature_matching_loss
from monai_fundusgen.networks.nets.multiscale_discriminator import MultiScaleDiscriminator
from monai_fundusgen.networks.nets.pix2pixhd import GlobalGenerator
from monai_fundusgen.networks.nets.styled_generator import STYLE_DIM, StyledGenerator


class Counting(nn.Module):
    """A network that counts its forward passes."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network, self.passes = network, 0

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.passes += 1
        return self.network(x)


def batches(count: int = 1, size: int = 32) -> list[dict[str, torch.Tensor]]:
    rng = torch.Generator().manual_seed(0)
    return [
        {name: torch.rand((2, 3, size, size), generator=rng) * 2 - 1 for name in ("condition", "image")}
        for _ in range(count)
    ]


def networks(seed: int = 0) -> tuple[nn.Module, nn.Module]:
    torch.manual_seed(seed)
    generator = GlobalGenerator(3, base_channels=4, num_downsamplings=1, num_blocks=1)
    return generator, MultiScaleDiscriminator(6, base_channels=4, num_layers=2, num_scales=2)


def run(data, generator, discriminator, *, lr=1e-3, epochs=1, **settings):
    """Train, and return the losses of each iteration and the trainer."""
    step = GanStep(discriminator, torch.optim.Adam(discriminator.parameters(), lr=lr, betas=(0.5, 0.999)), **settings)
    trainer = SupervisedTrainer(
        device=torch.device("cpu"), max_epochs=epochs, train_data_loader=data, network=generator,
        optimizer=torch.optim.Adam(generator.parameters(), lr=lr, betas=(0.5, 0.999)), loss_function=None,
        iteration_update=step,
    )  # fmt: skip
    history = []
    trainer.add_event_handler(Events.ITERATION_COMPLETED, lambda engine: history.append(dict(engine.state.output)))
    trainer.run()
    return history, trainer


def test_losses_are_those_of_the_formulas_with_the_discriminator_stepped_first():
    data = batches()
    generator, discriminator = networks()
    again, judge = networks()
    history, _ = run(data, generator, discriminator, l1_weight=2.0)
    condition, real = data[0]["condition"], data[0]["image"]
    fake = again(condition)
    optimiser = torch.optim.Adam(judge.parameters(), lr=1e-3, betas=(0.5, 0.999))
    real_logits, _ = judge(torch.cat([condition, real], 1))
    fake_logits, _ = judge(torch.cat([condition, fake.detach()], 1))
    expected = least_squares_discriminator_loss(real_logits, fake_logits)
    expected.backward()
    optimiser.step()
    logits, features = judge(torch.cat([condition, fake], 1))
    _, real_features = judge(torch.cat([condition, real], 1))
    adversarial, matching = least_squares_generator_loss(logits), feature_matching_loss(real_features, features)
    l1 = (fake - real).abs().mean()
    assert history[0][AdversarialKeys.DISCRIMINATOR_LOSS].item() == pytest.approx(expected.item(), rel=1e-5)
    assert history[0][AdversarialKeys.GENERATOR_LOSS].item() == pytest.approx(adversarial.item(), rel=1e-4)
    assert history[0][FEATURE_MATCHING_LOSS].item() == pytest.approx(matching.item(), rel=1e-4)
    assert history[0][AdversarialKeys.RECONSTRUCTION_LOSS].item() == pytest.approx(l1.item(), rel=1e-5)
    assert history[0]["loss"].item() == pytest.approx((adversarial + 10 * matching + 2 * l1).item(), rel=1e-4)


def test_one_pass_of_the_generator_and_no_gradient_left_on_the_discriminator():
    generator, discriminator = networks()
    counting = Counting(generator)
    run(batches(3), counting, discriminator)
    assert counting.passes == 3
    assert all(parameter.grad is None and parameter.requires_grad for parameter in discriminator.parameters())


def test_generator_learns_nothing_from_the_discriminators_step_and_the_reverse():
    generator, discriminator = networks()
    before = [parameter.clone() for parameter in discriminator.parameters()]
    fixed = [parameter.clone() for parameter in generator.parameters()]
    step = GanStep(discriminator, torch.optim.SGD(discriminator.parameters(), lr=0.0))
    trainer = SupervisedTrainer(
        device=torch.device("cpu"), max_epochs=1, train_data_loader=batches(), network=generator,
        optimizer=torch.optim.SGD(generator.parameters(), lr=0.1), loss_function=None, iteration_update=step,
    )  # fmt: skip
    trainer.run()
    assert all(torch.equal(a, b) for a, b in zip(before, discriminator.parameters(), strict=True))
    assert any(not torch.equal(a, b) for a, b in zip(fixed, generator.parameters(), strict=True))


def test_a_few_steps_bring_the_image_nearer_to_the_photograph():
    squares = batches()[0]["condition"][..., :4, :4].repeat_interleave(8, -1).repeat_interleave(8, -2)
    history, _ = run([{"condition": squares, "image": -squares}], *networks(), lr=1e-3, epochs=40, l1_weight=10.0)
    first, last = (history[i][AdversarialKeys.RECONSTRUCTION_LOSS] for i in (0, -1))
    assert last < 0.7 * first


def test_terms_of_weight_zero_are_left_out_and_the_perceptual_one_is_added():
    generator, discriminator = networks()
    distance = lambda fake, real: (fake.mean() - real.mean()).square()
    history, _ = run(
        batches(), generator, discriminator, feature_matching_weight=0.0, perceptual=distance, perceptual_weight=3.0
    )
    losses = history[0]
    assert set(losses) == {"loss", "generator_loss", "discriminator_loss", PERCEPTUAL_LOSS}
    assert losses["loss"].item() == pytest.approx((losses["generator_loss"] + 3 * losses[PERCEPTUAL_LOSS]).item())


def test_bf16_autocast_follows_full_precision():
    exact, _ = run(batches(4), *networks())
    coarse, _ = run(batches(4), *networks(), autocast="bfloat16")
    assert coarse[-1]["loss"].item() == pytest.approx(exact[-1]["loss"].item(), rel=0.05)
    with pytest.raises(ValueError, match="neither None nor 'bfloat16'"):
        run(batches(), *networks(), autocast="float16")


def test_handlers_of_the_host_read_the_losses():
    generator, discriminator = networks()
    _, trainer = run(batches(), generator, discriminator)
    total, judged = from_engine(["loss", AdversarialKeys.DISCRIMINATOR_LOSS])(trainer.state.output)
    assert total > 0 and judged > 0
    assert not total.requires_grad


def test_meta_tensors_of_the_hosts_loaders_are_taken():
    data = [{name: MetaTensor(value) for name, value in batches()[0].items()}]
    plain, _ = run(batches(), *networks())
    meta, _ = run(data, *networks())
    assert torch.equal(plain[0]["loss"], meta[0]["loss"])
    assert type(meta[0]["loss"]) is torch.Tensor


def test_a_gradient_that_is_not_finite_stops_before_the_weights():
    generator, discriminator = networks()
    before = [parameter.clone() for parameter in generator.parameters()]
    poisoned = lambda fake, real: (fake * torch.inf).mean()
    with pytest.raises(RuntimeError, match="non-finite"):
        run(batches(), generator, discriminator, perceptual=poisoned)
    assert all(torch.equal(a, b) for a, b in zip(before, generator.parameters(), strict=True))


def test_a_missing_entry_is_named():
    with pytest.raises(KeyError, match="holds condition, image but no 'photo'"):
        run(batches(), *networks(), image_key="photo")


def test_the_difference_on_vessels_counts_as_much_more_as_asked():
    condition = -torch.ones(1, 3, 2, 2)
    condition[0, 0, 0, 0] = 1  # one pixel of artery
    real, fake = torch.zeros(1, 3, 2, 2), torch.zeros(1, 3, 2, 2)
    fake[..., 0, 0] = 1  # wrong there only
    parts = torch.nn.Identity(), torch.optim.SGD([torch.zeros(1)], lr=1.0)
    plain, emphasised = (GanStep(*parts, l1_weight=1.0, vessel_emphasis=value) for value in (0.0, 9.0))
    assert plain._difference(condition, real, fake).item() == pytest.approx(1 / 4)
    assert emphasised._difference(condition, real, fake).item() == pytest.approx(10 / 13)
    assert emphasised._difference(condition, real, real + 1).item() == pytest.approx(1)


def test_a_styled_generator_sees_the_photograph_and_learns_its_style():
    _, discriminator = networks()
    generator = StyledGenerator(GlobalGenerator(3, 3, 4, 1, 1, style_dim=STYLE_DIM))
    run(batches(), generator, discriminator, styled=True)
    assert generator.generator.trunk_style.linear.weight.abs().min() > 0


def test_pixels_of_weight_zero_are_the_photographs_own_for_every_loss():
    data = [batch | {"weight": torch.zeros(2, 1, 32, 32)} for batch in batches(2)]
    generator, discriminator = networks()
    before = [parameter.clone() for parameter in generator.parameters()]
    history, _ = run(data, generator, discriminator, weight_key="weight", l1_weight=10.0)
    assert [losses[AdversarialKeys.RECONSTRUCTION_LOSS].item() for losses in history] == [0.0, 0.0]
    assert [losses[FEATURE_MATCHING_LOSS].item() for losses in history] == [0.0, 0.0]
    assert all(torch.equal(now, then) for now, then in zip(generator.parameters(), before, strict=True))


def test_weights_of_one_change_nothing():
    plain, _ = run(batches(2), *networks())
    data = [batch | {"weight": torch.ones(2, 1, 32, 32)} for batch in batches(2)]
    weighed, _ = run(data, *networks(), weight_key="weight")
    assert [losses["loss"].item() for losses in weighed] == [losses["loss"].item() for losses in plain]
