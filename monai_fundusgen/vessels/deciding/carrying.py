"""Vessels of a decided label carried on: behind vessels of the other kind, through open pixels, and on the disc."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from monai_fundusgen.conventions import DISC_RADIUS_MM, KINDS
from monai_fundusgen.vessels.convergence import find_disc, reduced
from monai_fundusgen.vessels.field import Field
from monai_fundusgen.vessels.tracing.evening import Evening, evened
from monai_fundusgen.vessels.tracing.gaps import bridge_gaps
from monai_fundusgen.vessels.tracing.paths import KindPaths, VesselPaths
from monai_fundusgen.vessels.tracing.repair import PathRepair, repair_paths
from monai_fundusgen.vessels.tracing.roots import join_at_disc
from monai_fundusgen.vessels.tracing.vectorise import vectorise

BoolArray = NDArray[np.bool_]

_SIDE: Final = 512  # px of the map that is traced, at most
_ON_DISC: Final = 1.5  # disc radii round its middle in which a trunk may be drawn over ground
_CROSSING_PX: Final = 14.0  # longest way behind the other kind; the widest vessels of 512 px have 12
_TOLERANCE_DEG: Final = 55.0  # how far both ends may point past each other: the courses of blunt ends run to a corner
#: Fragments are joined over what is vessel or open, and over next to nothing else; nothing else is changed.
_JOINED: Final = PathRepair(attach_px=3.0, flip_px=0.0, speck_px=0.0)
_SEEN, _COVERED = 0.25, 0.5  # share of a pixel from which a kind is seen there, and from which another hides it
_END_POINTS, _GUESSED = 4, 1e-3  # the widths of so many points at an end are not believed, nor those of what is hidden
_EVEN: Final = Evening(width_px=40.0, course_px=0.0)  # what was hidden is as wide as what is seen of it


def _squared(planes: BoolArray) -> tuple[BoolArray, tuple[slice, slice]]:
    """Planes (C, S, S) in the middle of a black square whose side `_SIDE` divides, and where they lie in it."""
    height, width = planes.shape[1:]
    longer = max(height, width)
    side = -(-longer // _SIDE) * _SIDE if longer > _SIDE else longer
    top, left = (side - height) // 2, (side - width) // 2
    inside = slice(top, top + height), slice(left, left + width)
    square = np.zeros((len(planes), side, side), dtype=bool)
    square[(slice(None), *inside)] = planes
    return square, inside


def carried_on(vessels: BoolArray, opened: BoolArray, *, field_deg: float = 60.0) -> BoolArray:
    """The label with its trees carried on; no pixel loses a kind.

    Annotators draw what lies on top: the other vessel ends on its wall and goes on behind it, and on the disc the
    trunks end on one another, or at its rim. A vessel that goes on beyond a vessel of the other kind, or beyond open
    pixels, is drawn between the two, so that a crossing is both kinds; trunks that end on the disc are joined to the
    largest of their kind (`vessels.tracing.roots.join_at_disc`). Off the disc nothing is drawn on ground.

    Args:
        vessels: (2, H, W) bool, decided.
        opened: (H, W) bool, vessels of unknown kind.
        field_deg: visual angle of the picture's longer side, by which the disc is as large as it is.

    Returns:
        (2, H, W) bool.

    Raises:
        ValueError: the label is no boolean map (2, H, W), or ``opened`` has another size.
    """
    if vessels.dtype != np.bool_ or vessels.ndim != 3 or len(vessels) != len(KINDS):
        raise ValueError(f"carried_on: found {vessels.dtype} {vessels.shape}; expected a boolean vessel map (2, H, W)")
    if opened.shape != vessels.shape[1:]:
        raise ValueError(f"carried_on: label {vessels.shape[1:]}, open pixels {opened.shape}; expected one size")
    planes, inside = _squared(np.concatenate([vessels, opened[None]]))
    size = planes.shape[-1]
    soft = np.ascontiguousarray(reduced(planes, _SIDE))
    disc = find_disc(soft[: len(KINDS)], field_deg)
    radius_px = DISC_RADIUS_MM / Field(field_deg).pixel_mm(soft.shape[-1])
    drawn = _carried(soft, disc, radius_px).label(size)[(slice(None), *inside)]
    return vessels | (drawn & (vessels[::-1] | opened | _disc(disc, radius_px, soft.shape[-1], size)[inside]))


def _carried(soft: NDArray[np.float32], disc_rc: tuple[float, float], radius_px: float) -> VesselPaths:
    """What is to be drawn: the hidden stretches in a soft map (3, S, S) of arteries, veins and open pixels."""
    size = soft.shape[-1]
    traced = vectorise(soft[: len(KINDS)], crossing_px=0.0)
    before = (traced.artery, traced.vein)
    over = [np.maximum(soft[1 - kind], soft[-1]) for kind in range(len(KINDS))]
    reach = {"longest_px": _CROSSING_PX * size / _SIDE, "tolerance_deg": _TOLERANCE_DEG}
    bridged = [bridge_gaps(paths, over=plane, **reach) for paths, plane in zip(before, over, strict=True)]
    found = []
    for kind, paths in enumerate(repair_paths(bridged[0], bridged[1], soft, _JOINED, disc_rc=disc_rc)):
        whole = join_at_disc(paths, disc_rc, radius_px)
        hidden = _at(soft[kind], whole.points_rc) < _SEEN
        covered = _at(over[kind], whole.points_rc) >= _COVERED
        drawn = hidden & (covered | _is_new(whole, before[kind]))
        trust = np.where(_near(drawn, whole, _END_POINTS), _GUESSED, 1.0)
        found.append(evened(whole, _EVEN, disc_rc, trust=trust).cut(_near(drawn, whole, 1)))
    return VesselPaths(found[0], found[1], size)


def _at(plane: NDArray[np.float32], points_rc: NDArray[np.float64]) -> NDArray[np.float32]:
    """Values of a plane at points (P, 2)."""
    values: NDArray[np.float32] = ndimage.map_coordinates(plane, points_rc.T, order=1, mode="nearest")
    return values


def _is_new(paths: KindPaths, before: KindPaths) -> BoolArray:
    """Points (P,) of paths whose middle is no point of those before: what joins them."""
    known = set(map(tuple, before.points_rc.tolist()))
    middle = paths.points_rc[(paths.offsets[:-1] + paths.offsets[1:]) // 2]
    new = np.array([tuple(one) not in known for one in middle.tolist()], dtype=bool)
    return np.repeat(new, np.diff(paths.offsets))


def _near(chosen: BoolArray, paths: KindPaths, steps: int) -> BoolArray:
    """Chosen points (P,) and those up to so many steps from them on the same path."""
    path_of = np.repeat(np.arange(len(paths.nodes)), np.diff(paths.offsets))
    number = np.arange(len(chosen))
    last = np.maximum.accumulate(np.where(chosen, number, -1))
    following = np.minimum.accumulate(np.where(chosen, number, len(chosen))[::-1])[::-1]
    found = np.zeros(len(chosen), dtype=bool)
    for other in (last, following):
        inside = np.clip(other, 0, len(chosen) - 1)
        found |= (np.abs(number - other) <= steps) & (path_of == path_of[inside]) & chosen[inside]
    return found


def _disc(disc_rc: tuple[float, float], radius_px: float, side: int, size: int) -> BoolArray:
    """Where trunks may be drawn over ground, (size, size), of a disc in a map of another side; nowhere if it is NaN."""
    rows, columns = np.ogrid[:size, :size]
    row, column = ((place + 0.5) * size / side - 0.5 for place in disc_rc)
    on: BoolArray = np.hypot(rows - row, columns - column) <= _ON_DISC * radius_px * size / side
    return on
