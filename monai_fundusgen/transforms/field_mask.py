"""Black out what lies outside a camera's field."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import torch
from monai.config import KeysCollection
from monai.transforms import MapTransform

from monai_fundusgen.phantom.retina import Field


class WithinFieldd(MapTransform):
    """Set square arrays (C, S, S) in [0, 1] to 0 outside the field of view.

    Maps that were turned or bent, or that come from a full circle, then end where the generated photographs end.

    Args:
        keys: arrays to mask.
        cut: visible half height of the field over its radius; 1 is the whole circle, HRF's cameras have 0.716.
        allow_missing_keys: leave out keys that an item lacks.
    """

    def __init__(self, keys: KeysCollection, cut: float = 1.0, *, allow_missing_keys: bool = False) -> None:
        super().__init__(keys, allow_missing_keys)
        self.field = Field(cut=cut)

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Return the item with its keys masked."""
        item = dict(data)
        for key in self.key_iterator(item):
            array = torch.as_tensor(item[key])
            item[key] = array * torch.from_numpy(self.field.mask(array.shape[-1]))
        return item
