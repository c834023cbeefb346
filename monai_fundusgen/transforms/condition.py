"""What the photograph generator sees: artery, vein, field of view, and where disc and fovea are, as five channels."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any, Final

import numpy as np
import torch
from monai.transforms import Transform
from numpy.typing import NDArray
from torch import Tensor

from monai_fundusgen.conventions import FOV, LABEL
from monai_fundusgen.vessels.convergence import find_disc
from monai_fundusgen.vessels.eye import Retina
from monai_fundusgen.vessels.field import Field
from monai_fundusgen.vessels.fovea import fovea_rc

CONDITION_CHANNELS: Final = 5
CONDITION: Final = "condition"
#: Key of the landmarks of an item: disc and fovea, (2, 2), each (x, y) in half sides from the image's middle.
POINTS: Final = "points"
#: Standard deviation of the two heat maps: about a disc radius, and the extent of the macular pigment.
HEAT_MM: Final = (0.9, 0.9)


def eye_points(vessels: NDArray[np.floating], field_deg: float = 60.0) -> NDArray[np.float64]:
    """Disc and fovea of a vessel map (2, S, S) in [0, 1], found on the vessels: (2, 2), (x, y) in half sides.

    Both are NaN for a map without vessels.
    """
    side = vessels.shape[-1]
    disc = find_disc(vessels, field_deg)
    return _in_half_sides(np.array([disc, fovea_rc(vessels.max(axis=0), disc, mm_per_side(field_deg) / side)]), side)


def recorded_points(eye: Retina) -> NDArray[np.float64]:
    """Disc and fovea as the record of an eye has them: (2, 2), (x, y) in half sides."""
    return _in_half_sides(eye.landmarks_rc(1), 1)


def _in_half_sides(points_rc: NDArray[np.float64], side: int) -> NDArray[np.float64]:
    return (points_rc[:, ::-1] + 0.5) * 2 / side - 1


def mm_per_side(field_deg: float) -> float:
    """Length on the retina of the side of a squared image whose field has this visual angle."""
    return Field(field_deg).pixel_mm(1)


def heat_maps(points: NDArray[np.floating], size: int, field_deg: float = 60.0) -> Tensor:
    """Gaussian bumps (2, size, size) in [0, 1] at disc and fovea; a point that is NaN has an empty map."""
    axis = (torch.arange(size, dtype=torch.float64) * 2 + 1) / size - 1
    maps = []
    for (x, y), sigma_mm in zip(points, HEAT_MM, strict=True):
        sigma = 2 * sigma_mm / mm_per_side(field_deg)
        bump = torch.exp(-((axis - float(y)) ** 2)[:, None] / (2 * sigma**2)) * torch.exp(
            -((axis - float(x)) ** 2)[None] / (2 * sigma**2)
        )
        maps.append(bump.nan_to_num(0))
    return torch.stack(maps).float()


def photograph_condition(vessels: Tensor, fov: Tensor, points: NDArray[np.floating], field_deg: float = 60.0) -> Tensor:
    """Condition of the photograph generator in [-1, 1].

    Args:
        vessels: soft vessel map (2, S, S) in [0, 1].
        fov: field of view (1, S, S) in [0, 1].
        points: disc and fovea (2, 2), as `eye_points` gives them.
        field_deg: visual angle of the field, for the size of the bumps.

    Returns:
        (5, S, S): artery, vein, field of view, disc, fovea.
    """
    heat = heat_maps(points, vessels.shape[-1], field_deg).to(vessels)
    return torch.cat([vessels, fov.to(vessels.dtype), heat]) * 2 - 1


class LocateLandmarksd(Transform):
    """Add ``points`` to an item from its vessel map ``label``, (2, S, S) in [0, 1]; put it behind `CropFieldd`.

    Args:
        field_deg: visual angle of the field.
    """

    def __init__(self, field_deg: float = 60.0) -> None:
        self.field_deg = field_deg

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Return the item with its landmarks."""
        return {**data, POINTS: eye_points(np.asarray(data[LABEL], dtype=np.float32), self.field_deg)}


class BuildConditiond(Transform):
    """Add ``condition`` to an item from its vessel map and field of view, both in [0, 1], and its landmarks.

    Args:
        field_deg: visual angle of the field.
    """

    def __init__(self, field_deg: float = 60.0) -> None:
        self.field_deg = field_deg

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Return the item with the key ``condition``, (5, S, S) in [-1, 1]."""
        vessels, fov = (torch.as_tensor(data[key], dtype=torch.float32) for key in (LABEL, FOV))
        return {**data, CONDITION: photograph_condition(vessels, fov, np.asarray(data[POINTS]), self.field_deg)}
