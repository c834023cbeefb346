"""Photographs as published vessel networks want them: standardised inside the field, or centred on the vessels."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import torch
from monai.config import KeysCollection
from monai.transforms import MapTransform
from torch import Tensor

from monai_fundusgen.conventions import FOV, IMAGE, VESSEL

_BYTE = 255.0


class StandardiseFieldd(MapTransform):
    """Subtract each channel's mean and divide by its standard deviation, both taken inside the field; SSA-Net's input.

    A channel without variation is divided by 1. An empty field counts as the whole picture.

    Args:
        keys: photographs (C, H, W), any range.
        fov_key: field of view (1, H, W).
    """

    def __init__(self, keys: KeysCollection = IMAGE, *, fov_key: str = FOV) -> None:
        super().__init__(keys)
        self.fov_key = fov_key

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Return the item with its photographs standardised."""
        item = dict(data)
        inside = torch.as_tensor(item[self.fov_key]).as_subclass(Tensor)[0] > 0.5
        for key in self.key_iterator(item):
            image = torch.as_tensor(item[key]).as_subclass(Tensor).float()
            pixels = image[:, inside] if inside.any() else image.flatten(1)
            std = pixels.std(dim=1, unbiased=False)
            std = torch.where(std > 0, std, 1.0)
            item[key] = (image - pixels.mean(dim=1)[:, None, None]) / std[:, None, None]
        return item


class CentreOnVesselsd(MapTransform):
    """Replace photographs (3, H, W) in [0, 1] by vessel mask and photograph (4, H, W); HVGN's input.

    The photograph comes in 0..255 less each channel's mean over the vessel pixels; without any, over the picture.

    Args:
        keys: photographs.
        vessel_key: mask of vessels (1, H, W), 0 and 1.
    """

    def __init__(self, keys: KeysCollection = IMAGE, *, vessel_key: str = VESSEL) -> None:
        super().__init__(keys)
        self.vessel_key = vessel_key

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Return the item with its photographs centred."""
        item = dict(data)
        vessel = torch.as_tensor(item[self.vessel_key]).as_subclass(Tensor) > 0.5
        for key in self.key_iterator(item):
            image = torch.as_tensor(item[key]).as_subclass(Tensor).float() * _BYTE
            pixels = image[:, vessel[0]] if vessel.any() else image.flatten(1)
            item[key] = torch.cat([vessel.float(), image - pixels.mean(dim=1)[:, None, None]])
        return item
