"""Seeds to images: a trained generator of latents behind MONAI's ``Inferer``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from monai.inferers import Inferer
from torch import Tensor

from monai_fundusgen.diffusion.noise import SeededNoise

_MEAN_SEEDS = 4096  # latents whose mean style truncation pulls to


@dataclass
class LatentSampler(Inferer):
    """Images of a `StyleGAN2Generator` from seeds: the same seed gives the same image whatever else is in the batch.

    Convolutions differ in their last bits between batch sizes; set ``batch_size`` where bytes must agree.

    Attributes:
        truncation: styles are moved this share of the way from the mean style; 1 leaves them, 0 gives one image.
        batch_size: images that go through the network together; the last batch is padded to it. None: all at once.

    Raises:
        ValueError: a share outside [0, 1], or a batch size below 1.

    Source of the truncation: Karras et al. 2019 (arXiv:1812.04948), appendix B.
    """

    truncation: float = 1.0
    batch_size: int | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.truncation <= 1:
            raise ValueError(f"truncation: found {self.truncation}, expected a number in [0, 1]; 1 changes nothing")
        if self.batch_size is not None and self.batch_size < 1:
            raise ValueError(f"batch_size: found {self.batch_size}, expected at least 1, or null for all at once")

    @torch.no_grad()
    def __call__(self, inputs: Sequence[int] | Tensor, network: Any) -> Tensor:  # type: ignore[override]  # seeds
        """Images (B, C, S, S) in [0, 1], float32, on the network's device, of B seeds, each at least 0."""
        seeds = [int(seed) for seed in inputs]
        size = self.batch_size or max(len(seeds), 1)
        device = next(network.parameters()).device
        mean = self._mean_style(network, device) if self.truncation < 1 else None
        images = []
        for first in range(0, len(seeds), size):
            rows = [seeds[min(first + row, len(seeds) - 1)] for row in range(size)]  # the last one again, as padding
            images.append(self._batch(rows, network, mean, device)[: len(seeds) - first])
        return torch.cat(images)

    def _batch(self, seeds: list[int], network: Any, mean: Tensor | None, device: torch.device) -> Tensor:
        drawn = SeededNoise(seeds)
        styles = network.styles(drawn.normal(network.latent_dim).to(device))
        if mean is not None:
            styles = torch.lerp(mean.expand_as(styles), styles, self.truncation)
        noise = [drawn.normal(*shape).to(device) for shape in network.noise_shapes]
        return ((network.synthesis(styles, noise).float() + 1) / 2).clamp(0, 1)

    def _mean_style(self, network: Any, device: torch.device) -> Tensor:
        """Mean style (D,): a function of the weights alone."""
        rng = torch.Generator().manual_seed(0)
        latents = torch.randn(_MEAN_SEEDS, network.latent_dim, generator=rng)
        return network.mapping(latents.to(device)).mean(dim=0)
