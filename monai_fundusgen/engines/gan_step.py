"""One training step of a conditional GAN, for MONAI's ``SupervisedTrainer``.

MONAI's ``AdversarialTrainer`` does not fit: its discriminator sees the image without the condition, it has no place for
discriminator features, its automatic precision is CUDA's with a loss scaler, and without that it returns no loss.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from monai.engines import SupervisedTrainer
from monai.engines.utils import IterationEvents
from monai.utils.enums import AdversarialKeys
from monai.utils.enums import CommonKeys as Keys
from torch import Tensor, nn
from torch.optim import Optimizer

from monai_fundusgen.conventions import ARTERY, IMAGE, VEIN
from monai_fundusgen.losses.adversarial import least_squares_discriminator_loss, least_squares_generator_loss
from monai_fundusgen.losses.feature_matching import feature_matching_loss
from monai_fundusgen.transforms.condition import CONDITION

FEATURE_MATCHING_LOSS = "feature_matching_loss"
PERCEPTUAL_LOSS = "perceptual_loss"


@dataclass
class GanStep:
    """Step the discriminator, then the generator; pass it to a trainer as ``iteration_update``.

    The trainer's network and optimizer are the generator's. Only the generator's gradients survive the step.

    Attributes:
        discriminator: condition and image, concatenated, to (logits, features) of each scale; on the trainer's device.
        discriminator_optimizer: its optimiser.
        feature_matching_weight: weight of the feature matching loss; 0 leaves it out.
        l1_weight: weight of the mean absolute difference; 0 leaves it out, as the paper does.
        vessel_emphasis: in that mean, a pixel counts ``1 + vessel_emphasis`` times its share of vessel in the
            condition's first two channels. Vessels are faint and few: without it they are learnt last.
        perceptual: perceptual(fake, real) -> scalar, on the trainer's device, or None.
        perceptual_weight: weight of ``perceptual``.
        condition_key: entry of the batch with the condition (N, C, H, W) in [-1, 1].
        image_key: entry of the batch with the photograph (N, 3, H, W) in [-1, 1].
        weight_key: entry of the batch (N, 1, H, W) in [0, 1]; where it is 0 the photograph itself stands in for the
            fake, so that no loss sees what was painted where the label leaves open what is there. None: all counts.
        styled: the generator also takes the true photograph, for its style (`StyledGenerator`).
        autocast: ``"bfloat16"`` runs the networks under autocast; no loss scaling is needed. None: full precision.

    Source: Wang et al. 2018 (arXiv:1711.11585), eq. 4-6, least squares for the adversarial part.
    """

    discriminator: nn.Module
    discriminator_optimizer: Optimizer
    feature_matching_weight: float = 10.0
    l1_weight: float = 0.0
    vessel_emphasis: float = 0.0
    perceptual: Callable[[Tensor, Tensor], Tensor] | None = None
    perceptual_weight: float = 10.0
    condition_key: str = CONDITION
    image_key: str = IMAGE
    weight_key: str | None = None
    styled: bool = False
    autocast: str | None = None

    def __post_init__(self) -> None:
        if self.vessel_emphasis < 0:
            raise ValueError(f"GanStep: vessel_emphasis is {self.vessel_emphasis}, expected at least 0")
        if self.autocast not in (None, "bfloat16"):
            raise ValueError(f"GanStep: autocast {self.autocast!r} is neither None nor 'bfloat16'")

    def __call__(self, engine: SupervisedTrainer, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """One step of each optimiser.

        Returns:
            Scalars without gradient: the generator's weighted total under ``loss``, its unweighted parts, and the
            discriminator's loss.

        Raises:
            KeyError: the batch lacks condition or photograph.
            RuntimeError: a gradient is not finite; the network concerned is left as it was.
        """
        condition, real = self._entry(engine, batch, self.condition_key), self._entry(engine, batch, self.image_key)
        engine.network.train()
        self.discriminator.train()
        with self._precision(real):
            fake = engine.network(condition, real) if self.styled else engine.network(condition)
        if self.weight_key is not None:
            fake = torch.lerp(real.to(fake), fake, self._entry(engine, batch, self.weight_key).to(fake))
        engine.fire_event(IterationEvents.FORWARD_COMPLETED)
        discriminator_loss = self._step_discriminator(condition, real, fake.detach())
        with self._precision(real):
            losses = self._generator_losses(condition, real, fake)
        total = self._weighted(losses)
        engine.fire_event(IterationEvents.LOSS_COMPLETED)
        descend(engine.optimizer, engine.network, total)
        engine.fire_event(IterationEvents.BACKWARD_COMPLETED)
        engine.fire_event(IterationEvents.MODEL_COMPLETED)
        losses |= {Keys.LOSS: total, AdversarialKeys.DISCRIMINATOR_LOSS: discriminator_loss}
        return {str(name): value.detach() for name, value in losses.items()}

    def _entry(self, engine: SupervisedTrainer, batch: Mapping[str, Tensor], key: str) -> Tensor:
        """One entry of the batch as a plain tensor on the trainer's device."""
        if key not in batch:
            raise KeyError(f"GanStep: the batch holds {', '.join(map(str, batch))} but no {key!r}; set its key")
        plain = batch[key].as_subclass(torch.Tensor)
        return plain.to(engine.state.device, non_blocking=engine.non_blocking)

    def _precision(self, like: Tensor) -> torch.autocast:
        """Autocast for one forward pass: it keeps cast weights, so none may span an optimiser step."""
        return torch.autocast(like.device.type, torch.bfloat16, enabled=self.autocast is not None)

    def _step_discriminator(self, condition: Tensor, real: Tensor, fake: Tensor) -> Tensor:
        """One step on photographs and fakes, judged in one pass."""
        self.discriminator.requires_grad_(True)
        both = torch.cat([torch.cat([condition, real], dim=1), torch.cat([condition, fake.to(real.dtype)], dim=1)])
        with self._precision(real):
            logits, _ = self.discriminator(both)
        loss = least_squares_discriminator_loss(*zip(*(scale.chunk(2) for scale in logits), strict=True))
        descend(self.discriminator_optimizer, self.discriminator, loss)
        self.discriminator_optimizer.zero_grad(set_to_none=True)
        return loss

    def _generator_losses(self, condition: Tensor, real: Tensor, fake: Tensor) -> dict[str, Tensor]:
        """Unweighted parts of the generator's loss; the discriminator is judge, not pupil."""
        judge = getattr(self.discriminator, "module", self.discriminator)  # no gradients to exchange between ranks
        judge.requires_grad_(False)
        logits, features = judge(torch.cat([condition, fake.to(real.dtype)], dim=1))
        losses: dict[str, Tensor] = {AdversarialKeys.GENERATOR_LOSS: least_squares_generator_loss(logits)}
        if self.feature_matching_weight:
            with torch.no_grad():
                _, real_features = judge(torch.cat([condition, real], dim=1))
            losses[FEATURE_MATCHING_LOSS] = feature_matching_loss(real_features, features)
        if self.l1_weight:
            losses[AdversarialKeys.RECONSTRUCTION_LOSS] = self._difference(condition, real, fake)
        if self.perceptual is not None:
            losses[PERCEPTUAL_LOSS] = self.perceptual(fake, real)
        judge.requires_grad_(True)
        return losses

    def _difference(self, condition: Tensor, real: Tensor, fake: Tensor) -> Tensor:
        """Mean absolute difference, in which vessels count more."""
        vessel = (condition[:, [ARTERY, VEIN]].amax(dim=1, keepdim=True) + 1) / 2
        weight = 1 + self.vessel_emphasis * vessel
        return ((fake.float() - real).abs() * weight).mean() / weight.mean()

    def _weighted(self, losses: Mapping[str, Tensor]) -> Tensor:
        """The generator's total."""
        weights = {
            FEATURE_MATCHING_LOSS: self.feature_matching_weight,
            AdversarialKeys.RECONSTRUCTION_LOSS: self.l1_weight,
            PERCEPTUAL_LOSS: self.perceptual_weight,
        }
        return torch.stack([weights.get(name, 1.0) * value for name, value in losses.items()]).sum()


def descend(optimizer: Optimizer, network: nn.Module, loss: Tensor) -> None:
    """Descend; a gradient that is not finite raises before the weights are touched."""
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    trained = [parameter for parameter in network.parameters() if parameter.grad is not None]
    torch.nn.utils.clip_grad_norm_(trained, float("inf"), error_if_nonfinite=True)
    optimizer.step()
