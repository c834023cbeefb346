"""The label that a sampled map becomes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monai_fundusgen.metrics.functional.map_anatomy import map_anatomy
from monai_fundusgen.vessels.field import Field
from monai_fundusgen.vessels.tracing.repair import PathRepair
from monai_fundusgen.vessels.tracing.vectorise import exact_label


@dataclass(frozen=True)
class LabelDrawing:
    """Trace the vessels of a soft map, repair them, draw them inside the field of view.

    Args:
        size: side of the label in px.
        field_cut: visible half height of the field over its radius, as in the training maps.
        blur_px: blur of the sampled maps, see `monai_fundusgen.vessels.tracing.vectorise.estimate_blur`.
        bridge_px: gaps of a vessel up to this length, in px of the soft map, are closed.
        repair: join fragments, put kinds right and drop specks (`monai_fundusgen.vessels.tracing.repair`).
    """

    size: int = 1024
    field_cut: float = 1.0
    blur_px: float = 0.0
    bridge_px: float = 0.0
    repair: bool = False

    @property
    def fov(self) -> NDArray[np.bool_]:
        """Field of view (size, size)."""
        return Field(cut=self.field_cut).mask(self.size)

    def label(self, soft: NDArray[np.floating]) -> NDArray[np.bool_]:
        """Label (2, size, size) of a soft map (2, S, S) in [0, 1]."""
        seen = soft * Field(cut=self.field_cut).mask(soft.shape[-1])
        repair = PathRepair() if self.repair else None
        return exact_label(seen, self.size, blur_px=self.blur_px, bridge_px=self.bridge_px, repair=repair) & self.fov

    def anatomy(self, soft: NDArray[np.floating]) -> dict[str, float]:
        """Anatomy of the label of a soft map; ``measure`` of a `StructureReport`."""
        return map_anatomy(self.label(soft), self.fov)
