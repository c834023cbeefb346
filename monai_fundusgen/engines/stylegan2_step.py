"""One training step of StyleGAN2, for MONAI's ``SupervisedTrainer``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import ignite.distributed as idist
import torch
from monai.engines import SupervisedTrainer
from monai.utils.enums import AdversarialKeys
from monai.utils.enums import CommonKeys as Keys
from torch import Tensor, nn
from torch.optim import Adam, Optimizer

from monai_fundusgen.conventions import LABEL
from monai_fundusgen.engines.gan_step import descend
from monai_fundusgen.losses.adversarial import logistic_discriminator_loss, logistic_generator_loss
from monai_fundusgen.losses.gradient_penalty import path_length_penalty, path_lengths, r1_penalty
from monai_fundusgen.streams import stream_seed

PATH_LENGTH = "path_length"
_MEAN_RATE = 0.01  # share of the newest lengths in their running mean (arXiv:1912.04958, appendix B)
_BETA_2 = 0.99


def lazy_adam(parameters: Iterable[nn.Parameter], learning_rate: float, interval: int) -> Adam:
    """Adam for a network that takes one more step, a regularisation's, every ``interval`` steps.

    Rate and moments are those of a shorter time: ``lr * c`` and ``beta ** c`` with ``c = interval / (interval + 1)``.

    Args:
        parameters: of the network.
        learning_rate: per step without regularisation.
        interval: steps between two regularisations; 0: there are none.

    Source: Karras et al. 2020 (arXiv:1912.04958), appendix B, lazy regularization.
    """
    share = interval / (interval + 1) if interval else 1.0
    return Adam(parameters, lr=learning_rate * share, betas=(0.0, _BETA_2**share), eps=1e-8)


@dataclass
class StyleGAN2Step:
    """Step the discriminator, then the generator, each now and then by its penalty; a trainer's ``iteration_update``.

    The trainer's network and optimizer are the generator's; both optimisers should be `lazy_adam`. Latents, noise and
    mixed styles come from a generator of its own, one stream per (seed, rank, step): keep the step in the checkpoint
    beside networks and optimisers, and a resumed run continues the same curve.

    Attributes:
        discriminator: `StyleGAN2Discriminator`, on the trainer's device.
        discriminator_optimizer: its optimiser.
        seed: of what is drawn.
        rank: this process among those of a distributed run; each must have its own.
        key: entry of the batch that holds the real images (B, C, S, S) in [-1, 1].
        style_mixing: share of samples whose later layers follow a second latent, in [0, 1].
        r1_weight: gamma of the penalty ``gamma / 2 * |grad D(x)|^2``.
        r1_interval: steps between two R1 steps; 0 leaves them out.
        path_weight: weight of the path length penalty.
        path_interval: steps between two path length steps, on half a batch; 0 leaves them out.
        autocast: ``"bfloat16"`` runs both networks under autocast but for the penalties, which need their digits.

    Source: Karras et al. 2020 (arXiv:1912.04958), section 3 and appendix B.
    """

    discriminator: nn.Module
    discriminator_optimizer: Optimizer
    seed: int = 0
    rank: int = 0
    key: str = LABEL
    style_mixing: float = 0.9
    r1_weight: float = 10.0
    r1_interval: int = 16
    path_weight: float = 2.0
    path_interval: int = 8
    autocast: str | None = None
    num_draws: int = field(default=0, init=False)
    mean_length: float = field(default=0.0, init=False)

    def __post_init__(self) -> None:
        if self.autocast not in (None, "bfloat16"):
            raise ValueError(f"StyleGAN2Step: autocast {self.autocast!r} is neither None nor 'bfloat16'")
        if not 0 <= self.style_mixing <= 1 or min(self.r1_weight, self.path_weight) < 0:
            raise ValueError(
                f"StyleGAN2Step: style_mixing {self.style_mixing}, r1_weight {self.r1_weight}, path_weight "
                f"{self.path_weight}; expected a share in [0, 1] and weights of at least 0"
            )
        if min(self.r1_interval, self.path_interval) < 0:
            raise ValueError(
                f"StyleGAN2Step: r1_interval {self.r1_interval}, path_interval {self.path_interval}; expected at "
                f"least 1, or 0 to leave the penalty out"
            )

    def __call__(self, engine: SupervisedTrainer, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """One step of each network, and of the penalties that are due.

        Returns:
            Scalars without gradient: the generator's loss under ``loss``, the discriminator's, mean logits of real and
            generated images, and the running mean of the path lengths.

        Raises:
            KeyError: the batch lacks the key.
            RuntimeError: a gradient is not finite; the network concerned is left as it was.
        """
        if self.key not in batch:
            raise KeyError(f"StyleGAN2Step: the batch holds {', '.join(map(str, batch))} but no {self.key!r}; set key=")
        real = batch[self.key].as_subclass(Tensor).to(engine.state.device, non_blocking=engine.non_blocking)
        rng = torch.Generator().manual_seed(stream_seed(self.seed, "gan step", self.rank, self.num_draws))
        engine.network.train()
        self.discriminator.train()
        found = self._step_discriminator(engine, real, rng)
        if self.r1_interval and self.num_draws % self.r1_interval == 0:
            self._step_r1(real)
        found |= self._step_generator(engine, len(real), rng)
        if self.path_interval and self.num_draws % self.path_interval == 0:
            self._step_path(engine, max(len(real) // 2, 1), rng)
        self.num_draws += 1
        return {**{name: value.detach() for name, value in found.items()}, PATH_LENGTH: torch.tensor(self.mean_length)}

    def state_dict(self) -> dict[str, float]:
        """What a resumed run needs: the seed, the number of steps drawn, the running mean of the path lengths."""
        return {"seed": self.seed, "num_draws": self.num_draws, "mean_length": self.mean_length}

    def load_state_dict(self, state: Mapping[str, float]) -> None:
        """Continue the stream of a checkpoint; each rank continues its own."""
        self.seed, self.num_draws = int(state["seed"]), int(state["num_draws"])
        self.mean_length = float(state["mean_length"])

    def _drawn(self, engine: SupervisedTrainer, count: int, rng: torch.Generator) -> dict[str, Any]:
        """Arguments of the generator: latents of two styles, where the second begins, noise."""
        generator: Any = getattr(engine.network, "module", engine.network)
        latents = torch.randn(count, 2, generator.latent_dim, generator=rng)
        layers = generator.synthesis.num_styles
        mixed = torch.rand(count, generator=rng) < self.style_mixing
        crossover = torch.where(mixed, torch.randint(1, layers, (count,), generator=rng), layers)
        noise = [torch.randn(count, *shape, generator=rng) for shape in generator.noise_shapes]
        device = engine.state.device
        return {
            "latents": latents.to(device),
            "noise": [one.to(device) for one in noise],
            "crossover": crossover.to(device),
        }

    def _precision(self, like: Tensor) -> torch.autocast:
        """Autocast for one forward pass: it keeps cast weights, so none may span an optimiser step."""
        return torch.autocast(like.device.type, torch.bfloat16, enabled=self.autocast is not None)

    def _step_discriminator(self, engine: SupervisedTrainer, real: Tensor, rng: torch.Generator) -> dict[str, Tensor]:
        """One step on real and generated images, each a batch of its own: their deviations must not mix."""
        drawn = self._drawn(engine, len(real), rng)
        with torch.no_grad(), self._precision(real):
            fake = engine.network(**drawn)
        self.discriminator.requires_grad_(True)
        with self._precision(real):
            on_real, on_fake = self.discriminator(real), self.discriminator(fake)
        loss = logistic_discriminator_loss(on_real, on_fake)
        descend(self.discriminator_optimizer, self.discriminator, loss)
        return {
            str(AdversarialKeys.DISCRIMINATOR_LOSS): loss, "real_logit": on_real.mean(), "fake_logit": on_fake.mean(),
        }  # fmt: skip

    def _step_r1(self, real: Tensor) -> None:
        """One step of the discriminator by R1, as strong as if it were taken every time."""
        given = real.detach().requires_grad_(True)
        logits = self.discriminator(given)
        penalty = r1_penalty(logits, given) * (self.r1_weight / 2 * self.r1_interval)
        descend(self.discriminator_optimizer, self.discriminator, penalty + 0 * logits.sum())  # all weights take part

    def _step_generator(self, engine: SupervisedTrainer, count: int, rng: torch.Generator) -> dict[str, Tensor]:
        """One step against the discriminator, which is judge and not pupil."""
        judge = getattr(self.discriminator, "module", self.discriminator)  # no gradients to exchange between ranks
        judge.requires_grad_(False)
        drawn = self._drawn(engine, count, rng)
        with self._precision(drawn["latents"]):
            logits = judge(engine.network(**drawn))
        loss = logistic_generator_loss(logits)
        descend(engine.optimizer, engine.network, loss)
        judge.requires_grad_(True)
        return {str(Keys.LOSS): loss}

    def _step_path(self, engine: SupervisedTrainer, count: int, rng: torch.Generator) -> None:
        """One step of the generator by its path lengths, as strong as if it were taken every time."""
        images, styles = engine.network(**self._drawn(engine, count, rng), with_styles=True)
        lengths = path_lengths(images, styles, torch.randn(images.shape, generator=rng).to(images))
        newest = float(idist.all_reduce(lengths.detach().mean())) / idist.get_world_size()
        self.mean_length += _MEAN_RATE * (newest - self.mean_length)
        penalty = path_length_penalty(lengths, lengths.new_tensor(self.mean_length))
        weighted = penalty * (self.path_weight * self.path_interval)
        descend(engine.optimizer, engine.network, weighted + 0 * images.sum())  # all weights take part
