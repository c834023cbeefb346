"""How well a network denoises held-out maps, at fixed levels and with fixed noise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from monai.engines import SupervisedEvaluator
from monai.utils.enums import CommonKeys as Keys
from torch import Tensor

from monai_fundusgen.conventions import LABEL
from monai_fundusgen.diffusion.forward import diffuse
from monai_fundusgen.diffusion.schedule import NoiseSchedule
from monai_fundusgen.engines.denoising_step import Loss, Teacher, aims
from monai_fundusgen.streams import stream_seed


@dataclass
class DenoisingValidation:
    """The training's loss of every map at several levels; pass it to an evaluator as ``iteration_update``.

    Each map is noised to ``num_levels`` levels, evenly spaced over the schedule, with noise that is a function of the
    seed and of the map's place: two validations differ by the network alone, so their losses can be compared.

    Attributes:
        schedule: as in training.
        loss: as in training.
        num_levels: levels at which each map is tried.
        seed: of the noise.
        key: entry of the batch that holds the clean maps (B, C, H, W) in [-1, 1].
        condition: entry of the batch that the network sees as ``context``; None: unconditional.
        autocast: ``"bfloat16"`` or None.
        teacher: as in training.
    """

    schedule: NoiseSchedule
    loss: Loss
    num_levels: int = 8
    seed: int = 0
    key: str = LABEL
    condition: str | None = None
    autocast: str | None = None
    teacher: Teacher | None = None

    def __post_init__(self) -> None:
        if not 1 <= self.num_levels <= len(self.schedule):
            raise ValueError(f"num_levels: found {self.num_levels}, expected 1 to {len(self.schedule)}")

    @torch.no_grad()
    def __call__(self, engine: SupervisedEvaluator, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Mean loss over the levels, of a batch of clean maps."""
        x_0 = torch.as_tensor(batch[self.key]).as_subclass(Tensor)
        rng = torch.Generator().manual_seed(stream_seed(self.seed, "validation", engine.state.iteration))
        clean = x_0.repeat_interleave(self.num_levels, dim=0)
        t = (torch.arange(self.num_levels) + 0.5) * len(self.schedule) / self.num_levels
        levels = t.long().repeat(len(x_0))
        eps = torch.randn(clean.shape, generator=rng)
        clean, levels, eps = (value.to(engine.state.device) for value in (clean, levels, eps))
        given = {}
        if self.condition is not None:
            context = torch.as_tensor(batch[self.condition]).as_subclass(Tensor)
            given["context"] = context.repeat_interleave(self.num_levels, dim=0).to(engine.state.device)
        abar = self.schedule.at(levels)
        noisy = diffuse(clean, eps, abar)
        engine.network.eval()
        with torch.autocast(clean.device.type, torch.bfloat16, enabled=self.autocast is not None):
            output = engine.network(noisy, levels, **given)
        aim = aims(self.teacher, noisy, clean, eps, levels, given.get("context"), abar)
        return {Keys.LOSS: self.loss(output, *aim, abar)}
