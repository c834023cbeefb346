"""What a camera sees of the retina: a field of so many degrees, in millimetres of the eye and pixels of an image."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monai_fundusgen.conventions import FIELD_FILL, MM_PER_DEGREE

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Field:
    """What the camera sees: a circle, possibly cut flat at top and bottom, in a square image.

    Attributes:
        diameter_deg: visual angle across the circle (30, 45, 50, 60).
        centre_mm: image centre in the frame of the eye.
        cut: visible half height over the circle's radius, in (0, 1]; 1 is the whole circle.
    """

    diameter_deg: float = 45.0
    centre_mm: tuple[float, float] = (0.0, 0.0)
    cut: float = 1.0

    @property
    def radius_mm(self) -> float:
        """Radius of the circle on the retina."""
        return self.diameter_deg / 2 * MM_PER_DEGREE

    def pixel_mm(self, size: int) -> float:
        """Side of a pixel of a ``size`` x ``size`` image."""
        return 2 * self.radius_mm / (FIELD_FILL * size)

    def grid_mm(self, size: int) -> tuple[FloatArray, FloatArray]:
        """Positions of pixel centres: x as (1, size), y as (size, 1)."""
        offset: FloatArray = (np.arange(size, dtype=np.float64) - (size - 1) / 2) * self.pixel_mm(size)
        return (offset + self.centre_mm[0])[None, :], (offset + self.centre_mm[1])[:, None]

    def to_pixels(self, points_mm: FloatArray, size: int) -> FloatArray:
        """Points (N, 2) of the eye as (column, row) of a ``size`` x ``size`` image; pixel centres are integers."""
        return (points_mm - np.asarray(self.centre_mm)) / self.pixel_mm(size) + (size - 1) / 2

    def holds(self, xy_mm: FloatArray) -> NDArray[np.bool_]:
        """Whether the camera sees points (N, 2) of the eye."""
        dx, dy = (xy_mm - np.asarray(self.centre_mm)).T
        return (np.hypot(dx, dy) <= self.radius_mm) & (np.abs(dy) <= self.cut * self.radius_mm)

    def mask(self, size: int) -> NDArray[np.bool_]:
        """Field of view (size, size)."""
        x, y = self.grid_mm(size)
        dx, dy = x - self.centre_mm[0], y - self.centre_mm[1]
        return (dx**2 + dy**2 <= self.radius_mm**2) & (np.abs(dy) <= self.cut * self.radius_mm)
