"""Windows of CT: which Hounsfield units a picture shows."""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor

#: Lowest and highest HU of each window (level minus and plus half the width that radiologists use).
WINDOWS: Final = {
    "lung": (-1350.0, 150.0),
    "soft_tissue": (-160.0, 240.0),
    "bone": (-500.0, 1300.0),
    "full": (-1000.0, 2000.0),
}


def window_hu(name: str) -> tuple[float, float]:
    """Lowest and highest HU of a window.

    Raises:
        ValueError: no such window; those that there are are named.
    """
    if name not in WINDOWS:
        raise ValueError(f"window: found {name!r}, expected one of {', '.join(WINDOWS)}")
    return WINDOWS[name]


def to_network(hu: Tensor, window: str) -> Tensor:
    """HU as networks see them: the window's ends at -1 and 1, what lies outside clipped."""
    low, high = window_hu(window)
    return ((hu.float() - low) / (high - low) * 2 - 1).clamp(-1, 1)


def to_hu(unit: Tensor, window: str) -> Tensor:
    """HU, float32, of samples in [0, 1], 0 and 1 being the window's ends; the inverse of `to_network` by halves."""
    low, high = window_hu(window)
    return unit.float() * (high - low) + low


def shown(hu: Tensor, window: str) -> Tensor:
    """Grey pictures (..., 3, H, W) uint8 of HU (..., C, H, W); of several slices the middle one."""
    middle = hu[..., hu.shape[-3] // 2, None, :, :]
    grey = ((to_network(middle, window) + 1) * 127.5).round().to(torch.uint8)
    return torch.cat([grey] * 3, dim=-3)


def unit_shown(unit: Tensor, window: str) -> Tensor:
    """The same of samples in [0, 1] of a network that was trained in that window."""
    return shown(to_hu(unit, window), window)
