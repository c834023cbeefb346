"""Layers with equalised learning rate: weights of unit variance, scaled when they are used."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from monai_fundusgen.networks.blocks.fir_resample import fir_blurred


def scaled_leaky_relu(x: Tensor) -> Tensor:
    """Leaky ReLU of slope 0.2, times the root of two, which keeps the second moment of normal inputs near 1.

    Source: Karras et al. 2020 (arXiv:1912.04958), appendix B.
    """
    return F.leaky_relu(x, 0.2) * math.sqrt(2)


class EqualisedLinear(nn.Module):
    """``x @ W.T * c + b`` with ``W ~ N(0, 1)`` and He's constant c: all weights learn at one relative rate.

    Source: Karras et al. 2018 (arXiv:1710.10196), section 4.1.

    Args:
        in_features: width of the input.
        out_features: width of the output.
        bias_start: first value of the bias.
        rate_factor: learning rate of this layer relative to the others.
    """

    def __init__(
        self, in_features: int, out_features: int, *, bias_start: float = 0.0, rate_factor: float = 1.0
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(out_features, in_features) / rate_factor)
        self.bias = nn.Parameter(torch.full((out_features,), bias_start / rate_factor))
        self.rate_factor, self.gain = rate_factor, rate_factor / math.sqrt(in_features)

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_features) to (N, out_features)."""
        return F.linear(x, self.weight * self.gain, self.bias * self.rate_factor)


class EqualisedConv2d(nn.Module):
    """Convolution with equalised learning rate, kernel 1 or 3; with ``down`` blurred and at half the size.

    Source: Karras et al. 2018 (arXiv:1710.10196), section 4.1; the blur before the stride is that of arXiv:1812.04948.

    Args:
        in_channels: channels of the input.
        out_channels: channels of the output.
        kernel_size: odd.
        bias: add one number a channel.
        down: halve the sides, which are even.
    """

    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: int, *, bias: bool = True, down: bool = False
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(out_channels, in_channels, kernel_size, kernel_size))
        self.bias = nn.Parameter(torch.zeros(out_channels)) if bias else None
        self.gain, self.down = 1 / math.sqrt(in_channels * kernel_size**2), down

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, H, W) to (N, out_channels, H, W), or half of each side."""
        border = self.weight.shape[-1] // 2
        if self.down:
            return F.conv2d(fir_blurred(x, border + 1), self.weight * self.gain, self.bias, stride=2)
        return F.conv2d(x, self.weight * self.gain, self.bias, padding=border)
