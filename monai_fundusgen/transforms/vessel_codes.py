"""From probabilities of artery, vein and vessel to the codes of a label map."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from monai_fundusgen.conventions import ARTERY, ARTERY_CODE, CROSSING_CODE, VEIN, VEIN_CODE
from monai_fundusgen.transforms.vessel_targets import OUTPUTS

_VESSEL = OUTPUTS.index("vessel")


@dataclass(frozen=True)
class VesselCodes:
    """Label codes of probabilities: what is a vessel takes the more probable kind, or is a crossing.

    Args:
        threshold: probability of vessel from which a pixel is one.
        crossing: probability that both kinds must reach for a crossing.
    """

    threshold: float = 0.5
    crossing: float = 0.5

    def __call__(self, chance: Tensor) -> Tensor:
        """Codes (..., H, W) uint8 of probabilities (..., 3, H, W): 0 background, 1 artery, 2 vein, 3 crossing."""
        artery, vein, vessel = (chance.select(-3, place) for place in (ARTERY, VEIN, _VESSEL))
        codes = torch.where(artery >= vein, ARTERY_CODE, VEIN_CODE)
        codes = torch.where(torch.minimum(artery, vein) >= self.crossing, CROSSING_CODE, codes)
        return (codes * (vessel >= self.threshold)).to(torch.uint8)
