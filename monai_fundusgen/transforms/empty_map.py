"""Photographs without a vessel map among photographs with one."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import torch
from monai.transforms import Transform

from monai_fundusgen.conventions import IMAGE, KINDS, LABEL


class AddEmptyMapd(Transform):
    """Give an item without a vessel map one that shows none: (2, H, W) zeros, of its photograph's size.

    Args:
        key: entry of the map.
        like: entry of the photograph (C, H, W).
    """

    def __init__(self, key: str = LABEL, like: str = IMAGE) -> None:
        self.key, self.like = key, like

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Return the item with a map."""
        if self.key in data:
            return dict(data)
        height, width = torch.as_tensor(data[self.like]).shape[-2:]
        return {**data, self.key: torch.zeros(len(KINDS), height, width)}
