"""Traits of training maps: measured once an eye, carried through the augmentation, made into a condition vector."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
import torch
from monai.transforms import Randomizable, Transform
from monai.utils import ImageMetaKey

from monai_fundusgen.conventions import KINDS, LABEL, SEED
from monai_fundusgen.transforms.traits import CONTEXT, DISC, TRAITS, trait_vector
from monai_fundusgen.vessels.central_calibre import arteriole_venule_ratio
from monai_fundusgen.vessels.convergence import find_disc
from monai_fundusgen.vessels.field import Field

_AVR = "avr"
_REAL = "real"


class MeasureTraitsd(Transform):
    """Add what an augmentation leaves alone or moves: ``avr``, ``real`` and the point ``disc``.

    Put it behind `CropFieldd`; the item's ``label`` is a vessel map (2, S, S) in [0, 1]. An item with a seed is a
    phantom. ``disc`` is (1, 2), (x, y) in half sides from the middle.

    Raises (when called):
        ValueError: a map without arteries or without veins, which would teach a model to draw such maps; the message
            names the file.
    """

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Return the item with its traits."""
        vessels = np.asarray(data[LABEL], dtype=np.float32)
        source = getattr(data[LABEL], "meta", {}).get(ImageMetaKey.FILENAME_OR_OBJ, "a vessel map")
        if not (vessels >= 0.5).any():
            raise ValueError(
                f"{source}: no vessel in the map (largest value {vessels.max():.2f}); take the item out of the "
                "datalist, check that its label holds artery/vein codes, or keep the map at a larger size"
            )
        for plane, kind in zip(vessels, KINDS, strict=True):
            if not plane.any():
                raise ValueError(
                    f"{source}: no {kind} in the map; take the item out of the datalist, or, if it is a vessel map "
                    "without kinds, put it under the key 'vessel'"
                )
        side = vessels.shape[-1]
        row, column = find_disc(vessels)
        disc = (np.array([[column, row]]) + 0.5) * 2 / side - 1
        real = 0.0 if SEED in data else 1.0
        return {**data, _AVR: arteriole_venule_ratio(vessels, (row, column)), DISC: disc, _REAL: real}


class RandTraitContextd(Randomizable, Transform):
    """Add the condition vector ``context`` (D,) of an augmented map, some of its entries dropped at random.

    Args:
        cut: visible half height of the field over its radius; the density is that inside this field.
        drop: probability that an entry is left out.
        drop_all: probability that all are.

    Raises:
        ValueError: a probability outside [0, 1].
    """

    def __init__(self, cut: float = 1.0, *, drop: float = 0.25, drop_all: float = 0.1) -> None:
        if not (0 <= drop <= 1 and 0 <= drop_all <= 1):
            raise ValueError(f"drop: found {drop}, drop_all: found {drop_all}; expected probabilities in [0, 1]")
        self.field = Field(cut=cut)
        self.drop = drop
        self.drop_all = drop_all

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Return the item with its condition vector; ``label`` is a vessel map (2, S, S) in [0, 1]."""
        dropped = self.R.uniform(size=len(TRAITS)) < self.drop
        dropped |= bool(self.R.uniform() < self.drop_all)
        vessels = torch.as_tensor(data[LABEL])
        disc = np.asarray(data[DISC], dtype=np.float64)
        values = {
            "density": vessel_density(vessels, self.field),
            _AVR: float(data[_AVR]),
            "disc_x": float(disc[0, 0]),
            "disc_y": float(disc[0, 1]),
            _REAL: float(data[_REAL]),
        }
        vector = torch.where(torch.from_numpy(dropped), torch.nan, trait_vector(values))
        return {key: value for key, value in data.items() if key not in (_AVR, _REAL, DISC)} | {CONTEXT: vector}


def vessel_density(vessels: torch.Tensor, field: Field) -> float:
    """Share of the field that is artery or vein, of a soft map (2, S, S) in [0, 1]."""
    seen = torch.from_numpy(field.mask(vessels.shape[-1]))
    return float(vessels.amax(dim=0)[seen].mean())
