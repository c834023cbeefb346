"""One training step of RV-GAN, for MONAI's ``SupervisedTrainer``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from monai.engines import SupervisedTrainer
from monai.utils.enums import AdversarialKeys
from monai.utils.enums import CommonKeys as Keys
from torch import Tensor, nn
from torch.nn import functional
from torch.optim import Optimizer

from monai_fundusgen.conventions import IMAGE, VESSEL
from monai_fundusgen.engines.gan_step import FEATURE_MATCHING_LOSS, descend
from monai_fundusgen.losses.adversarial import hinge_loss, least_squares_discriminator_loss
from monai_fundusgen.losses.feature_matching import feature_matching_loss
from monai_fundusgen.networks.blocks.lanczos import lanczos_halved
from monai_fundusgen.networks.nets.rvgan import joined_pair

HINGE_LOSS = "hinge_loss"
_LAYER_WEIGHTS = (0.5,) * 6


@dataclass
class RVGANStep:
    """Step the discriminators, twice, then the generators; pass it to a trainer as ``iteration_update``.

    The generators are supervised with the true vessels, as the paper says. (The authors' loop hands the generators' own
    outputs to the terms of this step, and supervises them in steps of their own.) Maps of half the size are made by a
    Lanczos window.

    Attributes:
        discriminators: `PairedDiscriminators`, on the trainer's device.
        discriminator_optimizer: their optimiser.
        discriminator_steps: steps of it for each one of the generators.
        reconstruction_weight: of hinge and of squared difference to the true map, both generators each.
        input_key: entry of the batch with photograph and field (N, 4, H, W) in [-1, 1], sides multiples of 16.
        target_key: entry with the true vessels (N, 1, H, W) in [0, 1].

    Source: Kamran et al. 2021 (arXiv:2101.00535), eq. 1-6; weights and the number of steps follow their code.
    """

    discriminators: nn.Module
    discriminator_optimizer: Optimizer
    discriminator_steps: int = 2
    reconstruction_weight: float = 10.0
    input_key: str = IMAGE
    target_key: str = VESSEL

    def __call__(self, engine: SupervisedTrainer, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """One step of the generators.

        Returns:
            Scalars without gradient: the generators' weighted total under ``loss``, its unweighted parts, and the
            discriminators' loss.

        Raises:
            RuntimeError: a gradient is not finite; the network concerned is left as it was.
        """
        given, vessels = (
            batch[key].as_subclass(Tensor).to(engine.state.device).float() for key in (self.input_key, self.target_key)
        )
        truths = _both_sizes(vessels * 2 - 1)
        photographs = _both_sizes(given[:, :3])
        engine.network.train()
        self.discriminators.train()
        found = engine.network(given, with_coarse=True)
        for _ in range(self.discriminator_steps):
            judged = self._step_discriminators(photographs, truths, [map_.detach() for map_ in found])
        losses = self._generator_losses(photographs, truths, found)
        total = torch.stack([self._weight(name) * value for name, value in losses.items()]).sum()
        descend(engine.optimizer, engine.network, total)
        losses |= {Keys.LOSS: total, AdversarialKeys.DISCRIMINATOR_LOSS: judged}
        return {str(name): value.detach() for name, value in losses.items()}

    def _weight(self, name: str) -> float:
        return self.reconstruction_weight if name in (HINGE_LOSS, AdversarialKeys.RECONSTRUCTION_LOSS) else 1.0

    def _step_discriminators(self, photographs: list[Tensor], truths: list[Tensor], fakes: list[Tensor]) -> Tensor:
        """One step on true and generated pairs, judged in one pass."""
        self.discriminators.requires_grad_(True)
        pairs = [_pairs(*maps) for maps in zip(photographs, truths, fakes, strict=True)]
        verdicts, _ = self.discriminators(*pairs)
        real, fake = zip(*(verdict.chunk(2) for verdict in verdicts), strict=True)
        loss = least_squares_discriminator_loss(real, fake, fake_target=-1.0)
        descend(self.discriminator_optimizer, self.discriminators, loss)
        self.discriminator_optimizer.zero_grad(set_to_none=True)
        return loss

    def _generator_losses(
        self, photographs: list[Tensor], truths: list[Tensor], found: tuple[Tensor, Tensor]
    ) -> dict[str, Tensor]:
        """Unweighted parts of the generators' loss; the discriminators are judges, not pupils."""
        judge = getattr(self.discriminators, "module", self.discriminators)  # no gradients to exchange between ranks
        judge.requires_grad_(False)
        verdicts, features = judge(*(joined_pair(*maps) for maps in zip(photographs, found, strict=True)))
        with torch.no_grad():
            _, real_features = judge(*(joined_pair(*maps) for maps in zip(photographs, truths, strict=True)))
        losses: dict[str, Tensor] = {
            AdversarialKeys.GENERATOR_LOSS: hinge_loss(verdicts),
            FEATURE_MATCHING_LOSS: len(features) * feature_matching_loss(real_features, features, _LAYER_WEIGHTS),
            HINGE_LOSS: hinge_loss(found, truths),
            AdversarialKeys.RECONSTRUCTION_LOSS: torch.stack(
                [functional.mse_loss(*maps) for maps in zip(found, truths, strict=True)]
            ).sum(),
        }
        judge.requires_grad_(True)
        return losses


def _both_sizes(image: Tensor) -> list[Tensor]:
    """An image (N, C, H, W) in [-1, 1], and at half the size."""
    return [image, lanczos_halved(image).clamp(-1, 1)]


def _pairs(photograph: Tensor, truth: Tensor, fake: Tensor) -> Tensor:
    """True pairs, then generated ones (2 N, 4, H, W)."""
    return torch.cat([joined_pair(photograph, truth), joined_pair(photograph, fake)])
