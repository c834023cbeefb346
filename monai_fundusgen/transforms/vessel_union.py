"""The vessels of an item, whatever label it came with, and the codes of a predicted label."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import torch
from monai.transforms import Transform
from torch import Tensor

from monai_fundusgen.conventions import ARTERY, ARTERY_CODE, FOV, LABEL, UNCERTAIN, VEIN, VEIN_CODE, VESSEL

_HALF = 0.5


class UniteVesselsd(Transform):
    """Put the vessels of an item under ``vessel``: its vessel map, or else arteries, veins and uncertain ones together.

    Soft maps (of a resized item) are cut at one half, label and uncertain plane too: all become 0 and 1, float32.
    Vessels outside the field of view are dropped.

    Raises (when called):
        KeyError: neither a vessel map nor an artery/vein label.
    """

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Return the item with its vessels (1, H, W)."""
        item = dict(data)
        for key in (LABEL, UNCERTAIN, VESSEL):
            if key in item:
                item[key] = _cut(item[key])
        if VESSEL not in item:
            if LABEL not in item:
                raise KeyError(
                    f"an item with {', '.join(map(str, item))} has no vessels: neither {VESSEL!r} nor {LABEL!r}"
                )
            planes = [item[key] for key in (LABEL, UNCERTAIN) if key in item]
            item[VESSEL] = torch.cat(planes).amax(dim=0, keepdim=True)
        item[VESSEL] = item[VESSEL] * _cut(item[FOV])
        return item


def _cut(soft: Any) -> Tensor:
    return (torch.as_tensor(soft).as_subclass(Tensor) >= _HALF).float()


def kind_codes(scores: Tensor, threshold: float = 0.5) -> Tensor:
    """Label codes (1, H, W) uint8 of probabilities (2, H, W): the likelier kind where it reaches the threshold."""
    artery, vein = scores[ARTERY], scores[VEIN]
    codes = torch.where(artery >= vein, ARTERY_CODE, VEIN_CODE)
    return (codes * (torch.maximum(artery, vein) >= threshold))[None].to(torch.uint8)
