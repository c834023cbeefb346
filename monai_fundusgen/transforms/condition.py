"""What the photograph generator sees: artery, vein and field of view as three channels."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import torch
from monai.transforms import Transform
from torch import Tensor

from monai_fundusgen.conventions import FOV, LABEL

CONDITION_CHANNELS = 3
CONDITION = "condition"


def photograph_condition(vessels: Tensor, fov: Tensor) -> Tensor:
    """Condition of the photograph generator in [-1, 1].

    Args:
        vessels: soft vessel map (..., 2, H, W) in [0, 1].
        fov: field of view (..., 1, H, W) in [0, 1].

    Returns:
        (..., 3, H, W): artery, vein, field of view.
    """
    return torch.cat([vessels, fov.to(vessels.dtype)], dim=-3) * 2 - 1


class PhotographConditiond(Transform):
    """Add ``condition`` to an item from its decoded vessel map and field of view, both in [0, 1]."""

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Return the item with the key ``condition``, (3, H, W) in [-1, 1]."""
        vessels, fov = (torch.as_tensor(data[key], dtype=torch.float32) for key in (LABEL, FOV))
        return {**data, CONDITION: photograph_condition(vessels, fov)}
