"""Convolution whose weights a style scales, and scales back so that the output keeps its variance."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from monai_fundusgen.networks.blocks.equalised import EqualisedLinear
from monai_fundusgen.networks.blocks.fir_resample import fir_blurred

_EPS = 1e-8


class ModulatedConv2d(nn.Module):
    """``w'_oik = s_i w_oik``, then ``w''_oik = w'_oik / sqrt(sum_ik w'_oik^2 + eps)``, one style a sample.

    The style multiplies the input and the demodulation the output, which is the same as scaling the weights and needs
    one convolution for the whole batch.

    Source: Karras et al. 2020 (arXiv:1912.04958), eq. 1-3 and appendix B.

    Args:
        in_channels: channels of the input.
        out_channels: channels of the output.
        kernel_size: odd.
        style_dim: length of the style.
        demodulate: scale the output back; the layers that make the image do not.
        up: double the sides, blurred by [1, 3, 3, 1]; takes a kernel of 3.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        style_dim: int,
        *,
        demodulate: bool = True,
        up: bool = False,
    ) -> None:
        super().__init__()
        assert not up or kernel_size == 3
        self.style = EqualisedLinear(style_dim, in_channels, bias_start=1.0)
        self.weight = nn.Parameter(torch.randn(out_channels, in_channels, kernel_size, kernel_size))
        self.gain = 1 / math.sqrt(in_channels * kernel_size**2)
        self.demodulate, self.up = demodulate, up

    def forward(self, x: Tensor, style: Tensor) -> Tensor:
        """Features (N, in_channels, H, W) and styles (N, style_dim) to (N, out_channels, H, W), or twice each side."""
        return self.convolved(x, self.style(style))

    def convolved(self, x: Tensor, scales: Tensor) -> Tensor:
        """The same with the scales s (N, in_channels) themselves."""
        weight = self.weight * self.gain
        given = x * scales[:, :, None, None].to(x.dtype)
        if self.up:
            wide = F.conv_transpose2d(given, weight.transpose(0, 1), stride=2)
            found = 4 * fir_blurred(wide, 1)
        else:
            found = F.conv2d(given, weight, padding=weight.shape[-1] // 2)
        if not self.demodulate:
            return found
        power = scales.float().square() @ weight.square().sum(dim=(2, 3)).T
        return found * torch.rsqrt(power + _EPS)[:, :, None, None].to(found.dtype)
