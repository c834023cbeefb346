"""A sampled map as its own label draws it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monai_fundusgen.phantom.retina import Field
from monai_fundusgen.transforms.path_repair import PathRepair
from monai_fundusgen.transforms.resize import area_resize
from monai_fundusgen.transforms.vectorise import exact_label


@dataclass(frozen=True)
class RedrawnMap:
    """Trace a soft map, repair it, draw its label, and average that down again: what a data set is made of.

    Args:
        field_cut: visible half height of the field over its radius.
        bridge_px: gaps of a vessel up to this length are closed.
        repair: join fragments, put kinds right, drop specks.
        oversampling: side of the label over that of the map.
    """

    field_cut: float = 1.0
    bridge_px: float = 3.0
    repair: bool = True
    oversampling: int = 4

    def __call__(self, soft: NDArray[np.floating]) -> NDArray[np.float32]:
        """Soft map (2, S, S) in [0, 1] to another."""
        side = soft.shape[-1]
        size = side * self.oversampling
        label = exact_label(soft, size, bridge_px=self.bridge_px, repair=PathRepair() if self.repair else None)
        label &= Field(cut=self.field_cut).mask(size)
        return area_resize(label, side, side).astype(np.float32)
