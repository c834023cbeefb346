"""Feature vectors of photographs, for distances between samples; any callable with the same face may stand in."""

from __future__ import annotations

from typing import Final, Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional as F

_WIDTHS: Final = (32, 64, 128, 128)


class FeatureExtractor(Protocol):
    """What a feature distance needs to be given."""

    def __call__(self, photographs: Tensor) -> Tensor:
        """Photographs (N, 3, H, W) in [-1, 1] to features (N, D)."""


class RandomFeatures(nn.Module):
    """Means and spreads of the layers of a fixed random convolutional network.

    Needs no weights and knows nothing of photographs: it tells colour, texture and sharpness apart, not anatomy. Its
    distances compare only with its own, of the same seed and the same image size. A trained network says more: pass one
    in its place.

    Source: Naeem et al. 2020 (arXiv:2002.09797), section 4.1, on random networks as extractors.

    Args:
        seed: seed of the weights.
    """

    def __init__(self, seed: int = 0) -> None:
        super().__init__()
        rng = torch.Generator().manual_seed(seed)
        self.layers = nn.ModuleList()
        for narrow, wide in zip((3, *_WIDTHS), _WIDTHS, strict=False):
            layer = nn.Conv2d(narrow, wide, 3, padding=1, bias=False)
            weight = torch.randn(layer.weight.shape, generator=rng) * (2 / (9 * narrow)) ** 0.5
            layer.weight = nn.Parameter(weight, requires_grad=False)
            self.layers.append(layer)

    @torch.no_grad()
    def forward(self, photographs: Tensor) -> Tensor:
        """Photographs (N, 3, H, W) in [-1, 1], sides of 16 px and more, to features (N, 704)."""
        features, found = photographs.float(), []
        for layer in self.layers:
            features = F.relu(layer(features))
            found += [features.mean(dim=(2, 3)), features.std(dim=(2, 3))]
            features = F.avg_pool2d(features, 2)
        return torch.cat(found, dim=1)
