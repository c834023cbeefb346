"""Known motion of an eye between frames: rotation, shift, the eye's curvature, and a smooth elastic part."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from monai_fundusgen.phantom.texture import Image, Lattice
from monai_fundusgen.vessels.field import Field

#: Radius of the eyeball (mm) behind the quadratic term, and spacing of the elastic lattice.
EYE_RADIUS_MM = 12.0
ELASTIC_PITCH_MM = 2.5


@dataclass(frozen=True)
class Deformation:
    """A frame's motion, in mm about the centre of the field, free of image size.

    A point y of the frame shows the still eye's point ``y + displacement(y)``.

    Attributes:
        angle_deg: rotation.
        scale: magnification minus one.
        shift_mm: translation (x, y).
        tilt: turn of the gaze (x, y) in radians; shows as a quadratic term on the curved retina.
        elastic_mm: (2, n, n) coefficients (x, y) of a cubic B-spline lattice, or None.
    """

    angle_deg: float = 0.0
    scale: float = 0.0
    shift_mm: tuple[float, float] = (0.0, 0.0)
    tilt: tuple[float, float] = (0.0, 0.0)
    elastic_mm: Image | None = None

    def displacement_px(self, field: Field, size: int) -> Image:
        """Displacement (2, size, size) in pixels: x (columns), then y (rows)."""
        pixel_mm = field.pixel_mm(size)
        offset = ((np.arange(size) - (size - 1) / 2) * pixel_mm).astype(np.float32)
        x, y = offset[None, :], offset[:, None]
        angle, grow = np.deg2rad(self.angle_deg), 1 + self.scale
        c, s = np.float32(grow * np.cos(angle)), np.float32(grow * np.sin(angle))
        tilt = (x * np.float32(self.tilt[0]) + y * np.float32(self.tilt[1])) / np.float32(EYE_RADIUS_MM)
        dx = (c - 1 + tilt) * x - s * y + np.float32(self.shift_mm[0])
        dy = s * x + (c - 1 + tilt) * y + np.float32(self.shift_mm[1])
        if self.elastic_mm is not None:
            lattice = elastic_lattice(field)
            position = offset.astype(np.float64)
            dx += lattice.resample(self.elastic_mm[0], position, position)
            dy += lattice.resample(self.elastic_mm[1], position, position)
        return np.stack([dx, dy]).astype(np.float32) / np.float32(pixel_mm)


def elastic_lattice(field: Field) -> Lattice:
    """Lattice of the elastic part, about the centre of the field."""
    return Lattice.covering((0.0, 0.0), field.radius_mm * 1.05, ELASTIC_PITCH_MM)


def draw_deformation(field: Field, rng: np.random.Generator, *, amount: float = 1.0) -> Deformation:
    """A plausible motion; ``amount`` scales all of it (1: about 1 degree, 0.15 mm and 0.04 mm elastic)."""
    count = elastic_lattice(field).count
    elastic = rng.standard_normal((2, count, count), dtype=np.float32) * np.float32(0.08 * amount)
    angle, scale, shift_x, shift_y, tilt_x, tilt_y = rng.normal(0, amount, 6)
    return Deformation(
        angle_deg=float(1.2 * angle),
        scale=float(0.004 * scale),
        shift_mm=(float(0.15 * shift_x), float(0.15 * shift_y)),
        tilt=(float(0.02 * tilt_x), float(0.02 * tilt_y)),
        elastic_mm=np.clip(elastic, -0.16 * amount, 0.16 * amount),
    )


@njit(cache=True, fastmath=True)
def _cubic(t: float) -> tuple[float, float, float, float]:
    """Catmull-Rom weights at fraction t."""
    return (
        t * (-0.5 + t * (1 - 0.5 * t)),
        1 + t * t * (-2.5 + 1.5 * t),
        t * (0.5 + t * (2 - 1.5 * t)),
        t * t * (-0.5 + 0.5 * t),
    )


@njit(cache=True, fastmath=True)
def _warp(image: Image, displacement: Image, out: Image) -> None:
    height, width = image.shape
    for i in range(height):
        for j in range(width):
            x, y = j + displacement[0, i, j], i + displacement[1, i, j]
            c, r = int(np.floor(x)), int(np.floor(y))
            a, b = _cubic(x - c), _cubic(y - r)
            total = 0.0
            for m in range(4):
                row = min(max(r - 1 + m, 0), height - 1)
                line = 0.0
                for k in range(4):
                    line += a[k] * image[row, min(max(c - 1 + k, 0), width - 1)]
                total += b[m] * line
            out[i, j] = total


def warp(image: Image, displacement_px: Image) -> Image:
    """``out(y) = image(y + displacement(y))`` by cubic interpolation; (H, W) and (2, H, W) float32, border repeated."""
    out = np.empty_like(image)
    _warp(np.ascontiguousarray(image), displacement_px, out)
    return out


def invert(displacement_px: Image, iterations: int = 12) -> Image:
    """Displacement of the opposite direction, (2, H, W): still eye to frame, by fixed-point iteration.

    Converges for fields that do not fold (gradient below one). Source: Chen et al. 2008, Med Phys 35:81.
    """
    inverse: NDArray[np.float32] = -displacement_px
    for _ in range(iterations):
        inverse = -np.stack([warp(plane, inverse) for plane in displacement_px])
    return inverse
