"""How far apart the vessels of two registered images lie, measured without any truth."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from monai_fundusgen.groundtruth.plane import VesselPlane
from monai_fundusgen.groundtruth.warp import Warp
from monai_fundusgen.vessels.skeleton import thin

#: The crest of a vessel is sought within so many pixels of the maps, in such steps, from such a height.
_REACH_PX: Final = 3.0
_STEP_PX: Final = 0.5
_HEIGHT: Final = 1.0


def centre_line_residual_px(fixed: VesselPlane, moving: VesselPlane, warp: Warp) -> float:
    """Median distance, across the vessel, between crests that both maps show, in pixels of the fixed image.

    On every centre-line pixel of the fixed map both are looked up along the normal; the crest of each is the vertex
    of a parabola. What lies farther apart than 3 px of the maps is not seen: this tells how well vessels meet that do,
    and nothing of vessels that were mistaken. NaN where no vessel is shown by both.
    """
    rows, columns = np.nonzero(thin(fixed.level > _HEIGHT))
    points = np.stack([columns, rows], axis=1).astype(np.float64)
    if not len(points):
        return float("nan")
    along = np.arange(-_REACH_PX, _REACH_PX + _STEP_PX / 2, _STEP_PX)
    places = points[:, None] + along[None, :, None] * _normals(fixed.level, points)[:, None]
    ours = _looked_up(fixed, places)
    flat = moving.to_plane(warp.map(fixed.to_image(places.reshape(-1, 2)))).reshape(places.shape)
    theirs = _looked_up(moving, flat)
    a, b = _crest(ours, along), _crest(theirs, along)
    apart = np.abs(a - b)
    return float(np.nanmedian(apart) * fixed.step) if np.isfinite(apart).any() else float("nan")


def _normals(level: NDArray[np.float32], points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Unit vectors (N, 2) across the ridge, from the structure of second differences."""
    smooth = ndimage.gaussian_filter(level, 1.5)
    gy, gx = np.gradient(smooth)
    gxy, gxx = np.gradient(gx)
    gyy = np.gradient(gy)[0]
    j, i = points.astype(int).T
    turn = 0.5 * np.arctan2(2 * gxy[i, j], gxx[i, j] - gyy[i, j]) + np.pi / 2
    return np.stack([np.cos(turn), np.sin(turn)], axis=1)


def _looked_up(plane: VesselPlane, places: NDArray[np.float64]) -> NDArray[np.float64]:
    found: NDArray[np.float64] = ndimage.map_coordinates(
        plane.level.astype(np.float64), places.transpose(2, 0, 1)[::-1], order=1
    )
    return found


def _crest(profile: NDArray[np.float64], along: NDArray[np.float64]) -> NDArray[np.float64]:
    """Place of the highest point of each profile (N, K), NaN where it is low or at the end."""
    top = profile.argmax(axis=1)
    inside = (top > 0) & (top < len(along) - 1) & (profile.max(axis=1) > _HEIGHT)
    top = np.clip(top, 1, len(along) - 2)
    line = np.arange(len(profile))
    below, middle, above = profile[line, top - 1], profile[line, top], profile[line, top + 1]
    bend = np.minimum(below - 2 * middle + above, -1e-9)
    return np.where(inside, along[top] + np.clip((below - above) / (2 * bend), -1, 1) * _STEP_PX, np.nan)
