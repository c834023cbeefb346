"""Resampling by a factor of two with the binomial filter [1, 3, 3, 1], as StyleGAN does.

Source: Karras et al. 2019 (arXiv:1812.04948), section 2, after Zhang 2019 (arXiv:1904.11486).
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def _kernel(like: Tensor) -> Tensor:
    """The filter for each channel of (N, C, H, W): (C, 1, 4, 4), each with sum 1."""
    taps = torch.tensor([1.0, 3.0, 3.0, 1.0], device=like.device, dtype=like.dtype) / 8
    return torch.outer(taps, taps).expand(like.shape[1], 1, -1, -1)


def fir_blurred(x: Tensor, border: int) -> Tensor:
    """Features (N, C, H, W) blurred, with so many zeros round them: (N, C, H + 2 border - 3, W + 2 border - 3)."""
    return F.conv2d(x, _kernel(x), padding=border, groups=x.shape[1])


def fir_upsampled(x: Tensor) -> Tensor:
    """Features (N, C, H, W) at twice the size; a constant keeps its value off the borders."""
    return F.conv_transpose2d(x, 4 * _kernel(x), stride=2, padding=1, groups=x.shape[1])
