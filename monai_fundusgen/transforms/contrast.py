"""Photographs and frames of items as a segmenter sees them."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import torch
from monai.config import KeysCollection
from monai.transforms import MapTransform
from torch import Tensor

from monai_fundusgen.conventions import FOV, IMAGE
from monai_fundusgen.networks.blocks.normalised_contrast import normalised_contrast


class NormalisedContrastd(MapTransform):
    """Replace pictures (C, H, W) in [0, 1] by their `normalised_contrast` (2 C, H, W).

    Args:
        keys: photographs, C = 3, or frames of an angiogram, C = 1.
        fov_key: field of view (1, H, W).
    """

    def __init__(self, keys: KeysCollection = IMAGE, *, fov_key: str = FOV) -> None:
        super().__init__(keys)
        self.fov_key = fov_key

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Return the item with its pictures normalised."""
        item = dict(data)
        for key in self.key_iterator(item):
            image = torch.as_tensor(item[key]).as_subclass(Tensor).float()
            item[key] = normalised_contrast(image, torch.as_tensor(item[self.fov_key]).as_subclass(Tensor))
        return item
