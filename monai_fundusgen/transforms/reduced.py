"""A photograph's small twin, for super-resolution."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import torch
from monai.config import KeysCollection
from monai.transforms import MapTransform
from torch import Tensor

from monai_fundusgen.transforms.augment import reduce_bicubic


class Reducedd(MapTransform):
    """Put the bicubic, anti-aliased reduction of a photograph (C, H, W) in [0, 1] under ``low_key``.

    Args:
        keys: the photograph; exactly one key.
        factor: reduction, a divisor of both sides.
        low_key: key of the small photograph.

    Raises:
        ValueError: more than one key.
    """

    def __init__(self, keys: KeysCollection, factor: int = 4, low_key: str = "low") -> None:
        super().__init__(keys)
        if len(self.keys) != 1:
            raise ValueError(f"keys: found {self.keys}, expected one photograph")
        self.factor = factor
        self.low_key = low_key

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Return the item with the small photograph."""
        image = torch.as_tensor(data[self.keys[0]]).as_subclass(Tensor)
        return {**data, self.low_key: reduce_bicubic(image, self.factor)}
