from __future__ import annotations

import copy

import pytest
import torch
from ignite.engine import Events
from monai.engines import SupervisedTrainer
from torch import nn

from monai_fundusgen.engines.stylegan2_step import PATH_LENGTH, StyleGAN2Step, lazy_adam
from monai_fundusgen.handlers.ema import EMA
from monai_fundusgen.losses.adversarial import logistic_discriminator_loss, logistic_generator_loss
from monai_fundusgen.networks.nets.stylegan2 import StyleGAN2Discriminator, StyleGAN2Generator
from monai_fundusgen.streams import stream_seed

SIZE = 8
NARROW = {"channel_base": 64, "max_channels": 8}


def networks(seed: int = 0) -> tuple[nn.Module, nn.Module]:
    torch.manual_seed(seed)
    generator = StyleGAN2Generator(SIZE, 2, latent_dim=8, num_mapping_layers=2, **NARROW)
    return generator, StyleGAN2Discriminator(SIZE, 2, **NARROW)


def batches(count: int, size: int = 4) -> list[dict[str, torch.Tensor]]:
    rng = torch.Generator().manual_seed(0)
    return [{"label": torch.rand(size, 2, SIZE, SIZE, generator=rng) * 2 - 1} for _ in range(count)]


class Training:
    """A trainer with all its parts, which can be stopped and gone on with."""

    def __init__(self, data, lr=2e-3, **settings):
        self.generator, self.discriminator = networks()
        intervals = {name: settings.get(name, default) for name, default in (("r1_interval", 16), ("path_interval", 8))}
        self.judge_optimizer = lazy_adam(self.discriminator.parameters(), lr, intervals["r1_interval"])
        self.step = StyleGAN2Step(self.discriminator, self.judge_optimizer, **settings)
        self.optimizer = lazy_adam(self.generator.parameters(), lr, intervals["path_interval"])
        self.trainer = SupervisedTrainer(
            device=torch.device("cpu"), max_epochs=1, train_data_loader=data, network=self.generator,
            optimizer=self.optimizer, loss_function=None, iteration_update=self.step,
        )  # fmt: skip
        self.history = []
        self.trainer.add_event_handler(
            Events.ITERATION_COMPLETED, lambda engine: self.history.append(dict(engine.state.output))
        )

    def parts(self):
        return self.generator, self.discriminator, self.optimizer, self.judge_optimizer, self.step

    def run(self):
        self.trainer.run()
        return self


def test_the_first_step_is_that_of_the_formulas_with_the_discriminator_first():
    data = batches(1)
    run = Training(data, r1_interval=0, path_interval=0).run()
    generator, discriminator = networks()
    again = StyleGAN2Step(discriminator, None)
    asked = type("Engine", (), {"network": generator, "state": type("State", (), {"device": torch.device("cpu")})})
    rng = torch.Generator().manual_seed(stream_seed(0, "gan step", 0, 0))
    fake = generator(**again._drawn(asked, 4, rng)).detach()
    optimizer = lazy_adam(discriminator.parameters(), 2e-3, 0)
    expected = logistic_discriminator_loss(discriminator(data[0]["label"]), discriminator(fake))
    expected.backward()
    optimizer.step()
    loss = logistic_generator_loss(discriminator(generator(**again._drawn(asked, 4, rng))))
    assert run.history[0]["discriminator_loss"].item() == pytest.approx(expected.item(), rel=1e-5)
    assert run.history[0]["loss"].item() == pytest.approx(loss.item(), rel=1e-5)


def test_penalties_are_steps_of_their_own_now_and_then():
    run = Training(batches(4), r1_interval=2, path_interval=4).run()
    taken = [next(iter(optimizer.state.values()))["step"].item() for optimizer in (run.judge_optimizer, run.optimizer)]
    assert taken == [4 + 2, 4 + 1] and run.history[-1][PATH_LENGTH] == run.history[0][PATH_LENGTH] > 0


def test_a_lazy_step_takes_rate_and_moments_of_a_shorter_time():
    """Over 16 + 1 steps the second moment forgets as much as over 16 of the usual ones."""
    lazy, usual = (lazy_adam([nn.Parameter(torch.ones(1))], 0.002, interval).defaults for interval in (16, 0))
    assert lazy["lr"] * 17 == pytest.approx(usual["lr"] * 16) and usual["lr"] == 0.002
    assert lazy["betas"][1] ** 17 == pytest.approx(usual["betas"][1] ** 16) and lazy["betas"][0] == 0


def test_r1_flattens_the_discriminator_at_real_images():
    slopes = []
    for weight in (0.0, 1000.0):
        run = Training(batches(30), lr=1e-2, r1_weight=weight, r1_interval=1, path_interval=0).run()
        real = batches(1)[0]["label"].requires_grad_(True)
        slopes.append(torch.autograd.grad(run.discriminator(real).sum(), real)[0].square().sum().item())
    assert slopes[1] < 0.2 * slopes[0]


def test_a_run_that_was_stopped_goes_on_as_one_that_was_not():
    data = batches(6)
    whole = Training(data, r1_interval=2, path_interval=3).run()
    first, second = (
        Training(data[:4], r1_interval=2, path_interval=3).run(),
        Training(data[4:], r1_interval=2, path_interval=3),
    )
    for to, part in zip(second.parts(), first.parts(), strict=True):
        to.load_state_dict(copy.deepcopy(part.state_dict()))
    second.run()
    assert whole.step.state_dict() == second.step.state_dict()
    for network, other in zip(whole.parts()[:2], second.parts()[:2], strict=True):
        assert all(torch.equal(one, other.state_dict()[name]) for name, one in network.state_dict().items())


def test_the_averaged_generator_lags_behind_the_trained_one():
    run = Training(batches(3))
    start = copy.deepcopy(run.generator.state_dict())
    ema = EMA(run.generator, momentum=0.25, warmup=False)
    ema.attach(run.trainer)
    weights = []
    run.trainer.add_event_handler(
        Events.ITERATION_COMPLETED, lambda _: weights.append(run.generator.synthesis.start.detach().clone())
    )
    run.run()
    expected = start["synthesis.start"]
    for newest in weights:
        expected = torch.lerp(expected, newest, 0.25)
    assert torch.allclose(ema.averaged.synthesis.start, expected, atol=1e-6)


def test_the_generator_comes_to_draw_what_it_is_shown():
    """Half the picture white, half black: in 100 steps the distance of the mean sample falls to 0.35 of what it was."""
    shown = torch.ones(8, 2, SIZE, SIZE)
    shown[..., : SIZE // 2] = -1
    run = Training([{"label": shown}] * 100, lr=1e-2, r1_weight=1.0)

    def distance():
        latents = torch.randn(64, 8, generator=torch.Generator().manual_seed(1))
        with torch.no_grad():
            return (run.generator(latents).mean(dim=0) - shown[0]).abs().mean().item()

    before = distance()
    run.run()
    assert distance() < 0.4 * before  # 0.349 measured, from 1.05 to 0.37


@pytest.mark.parametrize(("settings", "says"), [
    ({"autocast": "float16"}, "'float16' is neither None nor 'bfloat16'"),
    ({"style_mixing": 1.5}, "style_mixing 1.5"),
    ({"r1_weight": -1.0}, "r1_weight -1.0"),
    ({"path_interval": -1}, "path_interval -1"),
])  # fmt: skip
def test_settings_that_cannot_be_are_refused(settings, says):
    with pytest.raises(ValueError, match=says):
        StyleGAN2Step(nn.Identity(), None, **settings)


def test_a_batch_without_the_key_is_refused():
    with pytest.raises(KeyError, match="no 'vessel'; set key="):
        Training(batches(1), key="vessel").run()


def test_a_discriminator_that_breaks_is_told_before_its_weights_are_spoilt():
    run = Training([{"label": torch.full((4, 2, SIZE, SIZE), float("nan"))}])
    before = copy.deepcopy(run.discriminator.state_dict())
    with pytest.raises(RuntimeError, match="non-finite"):
        run.run()
    assert all(torch.equal(before[name], one) for name, one in run.discriminator.state_dict().items())
