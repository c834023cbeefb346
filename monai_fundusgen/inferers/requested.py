"""Vessel maps on request: seeds to maps whose traits were asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from monai.inferers import Inferer
from torch import Tensor

from monai_fundusgen.inferers.diffusion import VesselMapSampler
from monai_fundusgen.transforms.traits import TraitRequest


@dataclass
class RequestedMapSampler(Inferer):
    """A `VesselMapSampler` for a network with a condition vector; each seed draws its own traits from the request.

    Attributes:
        sampler: the sampler; its ``guidance_scale`` says how strictly the request is followed.
        request: what is asked for; None for an unconditional network.
    """

    sampler: VesselMapSampler
    request: TraitRequest | None = None

    def __call__(  # type: ignore[override]  # seeds take the place of an image
        self, inputs: Sequence[int] | Tensor, network: Callable[..., Tensor]
    ) -> Tensor:
        """Soft maps (B, 2, H, W) in [0, 1] of B seeds."""
        seeds = [int(seed) for seed in inputs]
        context = None if self.request is None else self.request.vectors(seeds)
        return self.sampler(seeds, network, context=context)
