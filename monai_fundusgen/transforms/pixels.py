"""Network tensors as 8-bit pictures."""

from __future__ import annotations

import torch
from torch import Tensor

from monai_fundusgen.conventions import ARTERY, VEIN


def photograph_pixels(photograph: Tensor) -> Tensor:
    """8-bit pixels of a photograph (..., 3, H, W) in [-1, 1], clamped and rounded."""
    return ((photograph.float().clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8)


def unit_pixels(images: Tensor) -> Tensor:
    """8-bit picture (..., 3, H, W) of images (..., 1 or 3, H, W) in [0, 1]; one channel becomes grey."""
    wide = images.expand(*images.shape[:-3], 3, *images.shape[-2:])
    return (wide.float().clamp(0, 1) * 255).round().to(torch.uint8)


def soft_map_pixels(vessels: Tensor) -> Tensor:
    """Soft vessel map (..., 2, H, W) in [0, 1] as a picture (..., 3, H, W) uint8: artery red, vein blue."""
    artery, vein = vessels[..., ARTERY, :, :], vessels[..., VEIN, :, :]
    return (
        (torch.stack([artery, torch.zeros_like(artery), vein], dim=-3).float().clamp(0, 1) * 255)
        .round()
        .to(torch.uint8)
    )
