"""Decided stretches drawn into the undecided pixels: arteries, veins, both where they cross, and what is left open."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy import ndimage

from monai_fundusgen.conventions import ARTERY, KINDS, VEIN
from monai_fundusgen.vessels.deciding.links import through_pairs
from monai_fundusgen.vessels.deciding.stretches import Arm, Place, Undecided
from monai_fundusgen.vessels.skeleton import EIGHT

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
IntArray = NDArray[np.int64]

OPEN: Final = len(KINDS)  # plane of what is left open, behind those of the kinds
_SLACK_PX: Final = 0.15  # walls are drawn this much further out


@njit(cache=True)
def _draw(plane: BoolArray, points: FloatArray, radius: FloatArray) -> None:
    """Set the pixels whose centre lies within the radius of a polyline; the radius runs from point to point."""
    height, width = plane.shape
    for i in range(1, len(points)):
        (ar, ac), (br, bc) = points[i - 1], points[i]
        dr, dc = br - ar, bc - ac
        square = dr * dr + dc * dc + 1e-12
        reach = max(radius[i - 1], radius[i])
        top, bottom = max(math.ceil(min(ar, br) - reach), 0), min(math.floor(max(ar, br) + reach) + 1, height)
        left, right = max(math.ceil(min(ac, bc) - reach), 0), min(math.floor(max(ac, bc) + reach) + 1, width)
        for row in range(top, bottom):
            for column in range(left, right):
                t = min(max(((row - ar) * dr + (column - ac) * dc) / square, 0.0), 1.0)
                d = math.sqrt((ar + t * dr - row) ** 2 + (ac + t * dc - column) ** 2)
                if d <= radius[i - 1] + t * (radius[i] - radius[i - 1]):
                    plane[row, column] = True


class Painting:
    """Planes (3, H, W) of artery, vein and open, drawn inside the undecided pixels only."""

    def __init__(self, undecided: BoolArray) -> None:
        self.undecided = undecided
        self.planes = np.zeros((OPEN + 1, *undecided.shape), dtype=bool)

    def line(self, kind: int, points_rc: FloatArray, width_px: float | FloatArray) -> None:
        """A vessel along points (P, 2) with one width or one per point."""
        radius = np.broadcast_to(np.asarray(width_px, dtype=np.float64) / 2 + _SLACK_PX, len(points_rc))
        _draw(self.planes[kind], np.ascontiguousarray(points_rc, dtype=np.float64), np.ascontiguousarray(radius))

    def finished(self) -> BoolArray:
        """Every undecided pixel given to what was drawn nearest to it; open only where neither kind is."""
        planes = self.planes & self.undecided
        planes[OPEN] &= ~(planes[ARTERY] | planes[VEIN])
        bare = self.undecided & ~planes.any(axis=0)
        labels, _ = ndimage.label(self.undecided, structure=EIGHT)
        for number, box in enumerate(ndimage.find_objects(labels), start=1):
            inside = labels[box] == number
            rest, drawn = inside & bare[box], inside & ~bare[box]
            part = planes[(slice(None), *box)]
            if rest.any() and drawn.any():
                nearest = ndimage.distance_transform_edt(~drawn, return_distances=False, return_indices=True)
                part[:, rest] = part[:, nearest[0][rest], nearest[1][rest]]
            elif rest.any():
                part[OPEN, rest] = True
        return planes


def _through(painting: Painting, place: Place, kind: int, a: Arm, b: Arm) -> None:
    """A vessel straight through a place."""
    painting.line(kind, np.stack([a.start_rc, b.start_rc]), np.array([a.width_px, b.width_px]))


def _inward(painting: Painting, place: Place, kind: int, arm: Arm) -> None:
    """A vessel from where it leaves a place to the middle of that."""
    painting.line(kind, np.stack([arm.start_rc, place.rc]), arm.width_px)


def _stub(painting: Painting, place: Place, kind: int, arm: Arm) -> None:
    """A vessel into a place that is larger than the vessel, up to the place's own extent."""
    inward = place.rc - arm.start_rc
    length = float(np.hypot(*inward)) - arm.width_px
    if length > arm.width_px / 2:
        painting.line(kind, np.stack([arm.start_rc, arm.start_rc - length / 2 * arm.away_rc]), arm.width_px)


def paint(undecided: BoolArray, vessels: Undecided, kinds: IntArray) -> BoolArray:
    """Planes (3, H, W): artery, vein, open.

    Args:
        undecided: (H, W) pixels to fill.
        vessels: their stretches and places.
        kinds: (S,) ARTERY, VEIN or `OPEN` of each stretch.
    """
    painting = Painting(undecided)
    for stretch, kind in zip(vessels.stretches, kinds, strict=True):
        first, last = (vessels.places[p] for p in stretch.places)
        outside = np.flatnonzero(
            (np.hypot(*(stretch.points_rc - first.rc).T) >= first.radius_px)
            & (np.hypot(*(stretch.points_rc - last.rc).T) >= last.radius_px)
        )
        points = stretch.points_rc[outside[0] : outside[-1] + 1] if len(outside) > 1 else stretch.points_rc
        painting.line(int(kind), points, stretch.width_px)
    for place, arms in zip(vessels.places, vessels.arms_at(), strict=True):
        _paint_place(painting, place, arms, kinds)
    return painting.finished()


def _paint_place(painting: Painting, place: Place, arms: list[Arm], kinds: IntArray) -> None:
    """Arms of each kind joined through the place."""
    arms = [arm for arm in arms if not arm.wall]
    for kind in range(OPEN + 1):
        own = [arm for arm in arms if (kinds[arm.stretch] if arm.stretch >= 0 else arm.kind) == kind]
        pairs = through_pairs(own)
        for a, b in pairs:
            _through(painting, place, kind, a, b)
        paired = {id(arm) for pair in pairs for arm in pair}
        for arm in own:
            if id(arm) in paired:
                continue
            alone = len(own) == 1 and len(arms) > 1 and arm.stretch < 0
            (_stub if alone else _inward)(painting, place, kind, arm)
