"""A picture as a segmenter sees it: the same whatever the exposure, with the neighbourhood's light taken out."""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor
from torch.nn import functional

_BLOCK: Final = 8  # px; local statistics are gathered on a grid this much coarser
_REACH: Final = 4  # blocks on each side that the local statistics take in
_CLIP: Final = 5.0  # standard deviations


def normalised_contrast(image: Tensor, fov: Tensor) -> Tensor:
    """Each channel in standard deviations from the field's mean, then each from the neighbourhood's: (2 C, H, W).

    A neighbourhood is a square of 72 px. Only pixels of the field count; outside it the result is 0. Values are
    clipped to 5 standard deviations.

    Args:
        image: photograph (3, H, W) or frame (1, H, W), any positive range.
        fov: field of view (1, H, W); above 0.5 is inside.
    """
    inside = (fov > 0.5).float()
    count = inside.sum().clamp(min=1)
    mean = (image * inside).sum(dim=(-2, -1), keepdim=True) / count
    centred = (image - mean) * inside
    std = ((centred**2).sum(dim=(-2, -1), keepdim=True) / count).sqrt().clamp(min=1e-6)
    whole = centred / std
    moments = torch.cat([inside, whole, whole**2])[None]
    blocks = functional.avg_pool2d(moments, _BLOCK, ceil_mode=True)
    local = functional.avg_pool2d(blocks, 2 * _REACH + 1, stride=1, padding=_REACH)
    share, first, second = local.split([1, len(image), len(image)], dim=1)
    share = share.clamp(min=1e-3)
    local_mean = first / share
    local_std = (second / share - local_mean**2).clamp(min=0.01).sqrt()
    height, width = image.shape[-2:]
    grown = functional.interpolate(torch.cat([local_mean, local_std], dim=1), scale_factor=_BLOCK, mode="bilinear")[0]
    near_mean, near_std = grown[:, :height, :width].chunk(2)
    return (torch.cat([whole, (whole - near_mean) / near_std]) * inside).clamp(-_CLIP, _CLIP)
