"""What a vessel segmenter is to learn: three maps, and where each of them is known."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import torch
from monai.config import KeysCollection
from monai.transforms import MapTransform, Transform
from torch import Tensor

from monai_fundusgen.conventions import ARTERY, FOV, LABEL, SEED, UNCERTAIN, VEIN

#: Channels of a segmenter's output, and of its target before the three masks.
OUTPUTS = ("artery", "vein", "vessel")
_UNTOUCHED = 0.02  # largest share of a pixel that may be uncertain where its kind counts


class UndecidedCrossingsd(MapTransform):
    """Move pixels that a label calls both kinds to ``uncertain``: HRF paints crossing and undecidable alike.

    Phantom eyes (items with a seed) keep theirs: their crossings are crossings.

    Args:
        keys: vessel maps (2, H, W) of 0 and 1; exactly one key.
        uncertain_key: plane (1, H, W) that receives the pixels; made if the item has none.
    """

    def __init__(self, keys: KeysCollection = LABEL, uncertain_key: str = UNCERTAIN) -> None:
        super().__init__(keys)
        self.uncertain_key = uncertain_key

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Return the item with label and uncertain plane that exclude each other."""
        item = dict(data)
        if SEED in item:
            return item
        for key in self.key_iterator(item):
            label = item[key]
            both = (label[ARTERY] > 0) & (label[VEIN] > 0)
            known = torch.as_tensor(item.get(self.uncertain_key, torch.zeros_like(label[:1])))
            item[self.uncertain_key] = torch.maximum(known, both[None].to(known.dtype))
            item[key] = label * ~both
        return item


class VesselTargetd(Transform):
    """Stack the target of a segmenter: artery, vein, vessel, then the mask of each (6, H, W), float32.

    Maps are soft (shares of a pixel); masks are 0 or 1. A kind counts inside the field where no part of the pixel is
    uncertain; a vessel counts everywhere inside the field, and uncertain pixels are vessels.

    Args:
        label_key: soft vessel map (2, H, W) in [0, 1].
        uncertain_key: soft plane (1, H, W) in [0, 1].
        fov_key: field of view (1, H, W) in [0, 1].
        target_key: key of the result.
    """

    def __init__(
        self, label_key: str = LABEL, uncertain_key: str = UNCERTAIN, fov_key: str = FOV, target_key: str = "target"
    ) -> None:
        self.label_key = label_key
        self.uncertain_key = uncertain_key
        self.fov_key = fov_key
        self.target_key = target_key

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Return the item with its target."""
        item = dict(data)
        item[self.target_key] = vessel_target(item[self.label_key], item[self.uncertain_key], item[self.fov_key])
        return item


def vessel_target(label: Tensor, uncertain: Tensor, fov: Tensor) -> Tensor:
    """Target (6, H, W) of a vessel map (2, H, W), an uncertain plane (1, H, W) and a field (1, H, W), see above."""
    vessel = (label.sum(dim=0, keepdim=True) + uncertain).clamp(max=1)
    inside = (fov > 0.5).float()
    decided = inside * (uncertain < _UNTOUCHED).float()
    return torch.cat([label[ARTERY : ARTERY + 1], label[VEIN : VEIN + 1], vessel, decided, decided, inside]).float()
