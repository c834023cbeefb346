"""Trunks: the vessels that leave the disc, their first divisions, and the fine vessels of the disc's temporal rim.

Every trunk pursues a target at a lateral offset: an ellipse of the arcades on the temporal side, a ray elsewhere. In a
pair the artery and the vein have opposite offsets, so they run apart; where they change sides they cross steeply.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from monai_fundusgen.phantom.flow import Frame, from_disc_frame, in_circle, temporal_ellipse
from monai_fundusgen.phantom.forest import STEP_MM

FloatArray = NDArray[np.float64]

#: Trunks end this far from the raphe on the temporal side.
RAPHE_MARGIN_MM = 0.4
#: Distance over which a trunk corrects its lateral error.
PURSUIT_MM = 0.55


@dataclass(frozen=True)
class Trunk:
    """A vessel traced before growth.

    Attributes:
        path_mm: (N, 2) points ``STEP_MM`` apart, in the frame of the retina, from the disc outwards.
        kind: ARTERY or VEIN.
        quadrant: index into QUADRANTS.
        level: 0 trunk, 1 branch of a trunk, 2 fine vessel of the disc's rim.
        origin: index of the trunk it branches from, or -1.
        origin_step: index of the branching point in that trunk's path, which is also the first point of this one.
    """

    path_mm: FloatArray
    kind: int
    quadrant: int
    level: int = 0
    origin: int = -1
    origin_step: int = 0


@dataclass(frozen=True)
class Course:
    """What a trunk pursues; angles in the disc frame (0 temporal, pi/2 superior).

    Attributes:
        start: (u, v) of the first point.
        heading: initial direction.
        height_mm: height over the fovea of the ellipse it follows (negative: inferior), or 0 for a ray.
        ray: direction of the ray at its start.
        bend: curvature of the ray, radians per mm.
        offset_mm: (N,) lateral offset along the way, outwards of the ellipse or to the left of the ray.
        max_u: end of the vessel on the way to the temporal side, mm from the disc.
    """

    start: tuple[float, float]
    heading: float
    height_mm: float
    ray: float
    bend: float
    offset_mm: FloatArray
    max_u: float = math.inf


@njit(cache=True)
def _wrap(angle: float) -> float:
    return (angle + math.pi) % (2 * math.pi) - math.pi


@njit(cache=True)
def _towards_ellipse(frame: Frame, u: float, v: float, height: float, offset: float) -> float:
    """Heading that brings a vessel at (u, v) to the ellipse of the given height at a lateral offset."""
    at_fovea, _ = temporal_ellipse(frame, frame.dfd)
    scale = height * height / at_fovea
    gu, gv = -scale * (1 - 2 * u / frame.pole), 2 * v
    norm = math.sqrt(gu * gu + gv * gv) + 1e-9
    error = (v * v - scale * u * (1 - u / frame.pole)) / norm - offset
    side = 1.0 if height > 0 else -1.0
    tangent = math.atan2(-side * gu, side * gv)
    correction = math.atan(error / PURSUIT_MM)
    return tangent - side * min(max(correction, -0.7), 0.7)


@njit(cache=True)
def _near_raphe(frame: Frame, u: float, v: float, arcade: bool) -> bool:
    """Whether a vessel is to end here: short of the raphe or the vessel-free zone, an arcade even before the fovea."""
    if (u - frame.dfd) ** 2 + v * v < (frame.faz + 0.3) ** 2:
        return True
    return abs(v) < RAPHE_MARGIN_MM and u > (0.55 if arcade else 1.0) * frame.dfd


@njit(cache=True)
def _trace(
    frame: Frame,
    start: tuple[float, float, float],
    height: float,
    ray: tuple[float, float],
    offset: FloatArray,
    max_u: float,
    path: FloatArray,
) -> int:
    """Fill ``path`` (N, 2) in the frame of the retina; returns the number of points."""
    u, v, heading = start
    used = 0
    for i in range(path.shape[0]):
        x, y = from_disc_frame(frame, u, v)
        x, y = x + frame.disc_x, y + frame.disc_y
        if not in_circle(frame, x, y):
            break
        path[i, 0], path[i, 1] = round(x * 1e6) / 1e6, round(y * 1e6) / 1e6
        used = i + 1
        if u > max_u or (i > 8 and _near_raphe(frame, u, v, abs(height) > 1.3)):
            break
        if height != 0.0:
            aim = _towards_ellipse(frame, u, v, height, offset[i])
        else:
            aim = ray[0] + ray[1] * i * STEP_MM + math.atan((offset[i + 1] - offset[i]) / STEP_MM)
        turn = 0.4 * _wrap(aim - heading)
        heading += min(max(turn, -0.16), 0.16)
        u, v = u + STEP_MM * math.cos(heading), v + STEP_MM * math.sin(heading)
    return used


def trace(frame: Frame, course: Course) -> FloatArray:
    """Points of a vessel that follows its course until it leaves the grown circle or nears the raphe."""
    path = np.empty((len(course.offset_mm) - 1, 2))
    used = _trace(
        frame,
        (*course.start, course.heading),
        course.height_mm,
        (course.ray, course.bend),
        course.offset_mm,
        course.max_u,
        path,
    )
    return path[:used]
