"""How a style reaches a network with instance norm."""

from __future__ import annotations

import torch
from torch import Tensor, nn

_GAIN = 8.0  # on the layer's output: it learns so much faster than the convolutions


class StyleModulation(nn.Module):
    """``x * (1 + scale) + shift`` per channel, both linear in the style; it starts as the identity.

    It stands behind a norm. A style that merely joins the input as channels of one value has no effect at all: the
    first instance norm takes a constant away again.

    Source: Perez et al. 2018 (arXiv:1709.07871), eq. 2.

    Args:
        style_dim: length of the style.
        channels: width C of the features.
    """

    def __init__(self, style_dim: int, channels: int) -> None:
        super().__init__()
        self.linear = nn.Linear(style_dim, 2 * channels)
        nn.init.zeros_(self.linear.weight)
        nn.init.zeros_(self.linear.bias)

    def forward(self, features: Tensor, style: Tensor) -> Tensor:
        """Features (N, C, H, W) and styles (N, style_dim) to features of the same shape."""
        scale, shift = torch.chunk(_GAIN * self.linear(style)[:, :, None, None], 2, dim=1)
        return torch.addcmul(shift, features, 1 + scale)
