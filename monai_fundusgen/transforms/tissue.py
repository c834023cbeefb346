"""What a CT slice holds, measured: shares of lung and bone, size of the body; which part of the body it is follows.

The vector may be given to a network as its condition. A slice of the chest has much lung, one of the pelvis much bone
and no lung; nobody needs to label either.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import torch
from monai.transforms import Transform
from torch import Tensor

from monai_fundusgen.conventions import IMAGE
from monai_fundusgen.streams import stream

#: Order of the condition vector.
TISSUE: Final = ("lung", "bone", "body")
_LUNG_HU: Final = (-950.0, -500.0)
_BONE_HU: Final = 200.0
_BODY_HU: Final = -300.0
CONTEXT: Final = "context"


def tissue_shares(hu: Tensor) -> Tensor:
    """Lung, bone and body of a slice (H, W) in HU: (3,), float32.

    Lung is the share of pixels from -950 to -500 HU among those and the body, bone the share above 200 HU in the body,
    body the share of the picture above -300 HU.
    """
    body = hu > _BODY_HU
    lung = (hu > _LUNG_HU[0]) & (hu < _LUNG_HU[1])
    tissue = body.sum()
    shares = [
        lung.sum() / (lung.sum() + tissue).clamp(min=1),
        (hu > _BONE_HU).sum() / tissue.clamp(min=1),
        body.float().mean(),
    ]
    return torch.stack([share.float() for share in shares])


class MeasureTissued(Transform):
    """Put `tissue_shares` of the middle slice of ``image`` (C, H, W) in HU under ``context`` (3,)."""

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """The item with its context."""
        hu = torch.as_tensor(data[IMAGE]).as_subclass(Tensor)
        return {**data, CONTEXT: tissue_shares(hu[hu.shape[0] // 2])}


@dataclass(frozen=True)
class TissueRequest:
    """What slices are asked to hold: for each entry a share, a range to draw from, or None for whatever comes.

    Attributes:
        lung: share of lung, 0 to 1.
        bone: share of bone in the body, 0 to 1.
        body: share of the picture that is body, 0 to 1.

    Raises:
        ValueError: a share outside 0 to 1.
    """

    lung: float | Sequence[float] | None = None
    bone: float | Sequence[float] | None = None
    body: float | Sequence[float] | None = None

    def __post_init__(self) -> None:
        for name in TISSUE:
            asked = getattr(self, name)
            ends = [] if asked is None else [asked, asked] if isinstance(asked, (int, float)) else list(asked)
            if ends and (len(ends) != 2 or not 0 <= ends[0] <= ends[1] <= 1):
                raise ValueError(f"{name}: found {asked!r}, expected a share of 0 to 1, two of them in order, or null")

    def vectors(self, seeds: Sequence[int]) -> Tensor:
        """Condition vectors (N, 3) of N seeds; NaN where nothing is asked for."""
        return torch.tensor([[self._drawn(name, seed) for name in TISSUE] for seed in seeds], dtype=torch.float32)

    def _drawn(self, name: str, seed: int) -> float:
        asked = getattr(self, name)
        if asked is None:
            return float("nan")
        if isinstance(asked, (int, float)):
            return float(asked)
        return float(stream(seed, "request", TISSUE.index(name)).uniform(*asked))
