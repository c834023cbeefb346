"""What guidance makes of noisy maps, for a network that is to do it in one evaluation."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from monai_fundusgen.diffusion.parametrisation import Prediction, check_prediction
from monai_fundusgen.diffusion.schedule import NoiseSchedule
from monai_fundusgen.inferers.diffusion import NetworkDenoiser, inside_levels, require_levels


@dataclass
class GuidedTeacher:
    """Estimates of a trained network with guidance: ``teacher`` of a `DenoisingStep`.

    A network that learned them gives at a scale of 1 what its teacher gives at ``guidance_scale``, in one evaluation
    where guidance takes two.

    Attributes:
        network: the trained network, of which nothing is changed.
        schedule: the schedule of its training.
        prediction: what it predicts.
        guidance_scale: strength of the condition, see `NetworkDenoiser`.
        guided_entries: entries of the condition that guidance makes more of; None: all.
        guidance_levels: where guidance acts, as shares of the schedule's levels; elsewhere the clean maps are learnt.
        null_context: value of a condition that is not given.
        autocast: ``"bfloat16"`` or None.
        channels_last: hand the network channels-last tensors.

    Raises:
        ValueError: an unknown prediction, a scale below 0, levels that are no range.

    Source: Meng et al. 2023 (arXiv:2210.03142), section 3.1, for one scale.
    """

    network: Callable[..., Tensor]
    schedule: NoiseSchedule
    prediction: Prediction = "logit"
    guidance_scale: float = 1.0
    guided_entries: Sequence[int] | None = None
    guidance_levels: Sequence[float] = (0.0, 1.0)
    null_context: float = float("nan")
    autocast: str | None = None
    channels_last: bool = False

    def __post_init__(self) -> None:
        check_prediction(self.prediction)
        require_levels(self.guidance_levels)
        if not 0 <= self.guidance_scale < math.inf:
            raise ValueError(f"GuidedTeacher: guidance_scale {self.guidance_scale!r}; expected a number of at least 0")

    @torch.no_grad()
    def __call__(self, x_t: Tensor, x_0: Tensor, t: Tensor, context: Tensor | None) -> Tensor:
        """What a student should take for clean (B, C, H, W), in [-1, 1].

        Args:
            x_t: noisy maps (B, C, H, W).
            x_0: the clean maps they come from.
            t: their levels (B,), integers.
            context: their conditions (B, ...); without one there is no guidance.
        """
        acts = inside_levels(t, self.guidance_levels, self.schedule)
        if not acts.any():
            return x_0
        denoise = NetworkDenoiser(
            self.network, self.schedule, self.prediction, None if context is None else context[acts],
            self.guidance_scale, self.null_context, 0.0, self.autocast, self.channels_last,
            guided_entries=self.guided_entries,
        )  # fmt: skip
        wanted = x_0.clone()
        wanted[acts] = denoise(x_t[acts], self.schedule.at(t[acts])).to(wanted)
        return wanted
