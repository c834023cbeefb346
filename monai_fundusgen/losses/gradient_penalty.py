"""Penalties on gradients: of a discriminator at real images (R1), of a generator in its styles (path length)."""

from __future__ import annotations

import math

import torch
from torch import Tensor


def r1_penalty(logits: Tensor, real: Tensor) -> Tensor:
    """Mean over samples of ``|grad D(x)|^2`` at real images, a scalar with gradient; its weight is gamma / 2.

    Args:
        logits: of the real images, (N, 1), computed from ``real`` with gradients.
        real: images (N, C, H, W) with ``requires_grad``.

    Source: Mescheder et al. 2018 (arXiv:1801.04406), eq. 9.
    """
    (gradient,) = torch.autograd.grad(logits.sum(), real, create_graph=True)
    return gradient.square().sum(dim=(1, 2, 3)).mean()


def path_lengths(images: Tensor, styles: Tensor, noise: Tensor) -> Tensor:
    """``|J_w^T y|`` of each sample: how far an image moves along a random direction y as its style moves; (N,).

    The styles of the layers count as one: the root of the mean over layers of squared lengths.

    Args:
        images: (N, C, H, W), computed from ``styles`` with gradients.
        styles: (N, L, D), one for each layer.
        noise: standard normal, in the shape of ``images``; it is divided by the root of H W here.

    Source: Karras et al. 2020 (arXiv:1912.04958), eq. 4 and appendix B.
    """
    height, width = images.shape[-2:]
    moved = (images * noise / math.sqrt(height * width)).sum()
    (gradient,) = torch.autograd.grad(moved, styles, create_graph=True)
    return gradient.square().sum(dim=2).mean(dim=1).sqrt()


def path_length_penalty(lengths: Tensor, target: Tensor) -> Tensor:
    """``mean((length - a)^2)``, a scalar, a being the running mean of the lengths.

    Source: Karras et al. 2020 (arXiv:1912.04958), eq. 4.
    """
    return (lengths - target).square().mean()
