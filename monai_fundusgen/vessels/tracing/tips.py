"""Tips of two kinds that point at each other, shortened until they no longer look like one vessel of two kinds."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from monai_fundusgen.vessels.tracing.links import BACK_POINTS
from monai_fundusgen.vessels.tracing.paths import FreeEnds, KindPaths

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

#: Gap between walls, px of a map of 256 px, from which on two tips are taken for two vessels; how far one may lie
#: beside the other's line, and how far they may turn. A little wider than `metrics.functional.kind_flips`, which
#: counts them.
_APART_PX: Final = 5.5
_ASIDE_PX: Final = 2.3
_TURN_DEG: Final = 42.0
_WIDTH_POINTS: Final = 16  # a vessel's width is the median over this many points; at its very tip it is noise
_ROUNDS: Final = 3  # a shortened tip may point at a third one


class _Tips:
    """Free ends of one kind: places (E, 2), unit vectors out of the vessel (E, 2), radii (E,) at the tip and behind."""

    def __init__(self, paths: KindPaths) -> None:
        self.ends: FreeEnds = paths.free_ends()
        self.place = paths.points_rc[self.ends.point]
        self.out = paths.outward(self.ends, BACK_POINTS)
        self.radius = paths.radius_px[self.ends.point]
        behind = np.stack([self.ends.behind(step) for step in range(_WIDTH_POINTS)])
        self.width = np.median(paths.radius_px[behind], axis=0)


def _gaps(artery: _Tips, vein: _Tips) -> FloatArray:
    """Gaps (A, V) between walls of tips that point at each other, px, negative where they overlap; else infinite."""
    way = vein.place[None] - artery.place[:, None]
    along = (way * artery.out[:, None]).sum(axis=-1)
    aside = [np.abs(way[..., 0] * out[..., 1] - way[..., 1] * out[..., 0]) for out in (artery.out[:, None], vein.out)]
    facing = (artery.out @ vein.out.T <= -np.cos(np.deg2rad(_TURN_DEG))) & (np.maximum(*aside) <= _ASIDE_PX)
    near = np.abs(along) <= _APART_PX + artery.radius[:, None] + vein.radius
    return np.where(facing & near, along - artery.radius[:, None] - vein.radius, np.inf)


def _shortened(paths: KindPaths, ends: FreeEnds, by_px: FloatArray) -> KindPaths:
    """Paths whose free ends (E,) lose so much of their length; a path with hardly more than that goes."""
    keep = np.ones(len(paths.points_rc), dtype=bool)
    for point, inward, room, loss in zip(ends.point, ends.inward, ends.room, by_px, strict=True):
        if loss > 0:
            run = point + inward * np.arange(room + 1)
            from_tip = np.append(0.0, np.cumsum(np.hypot(*np.diff(paths.points_rc[run], axis=0).T)))
            keep[run[from_tip < loss]] = False
    return paths.cut(keep)


def tips_apart(artery: KindPaths, vein: KindPaths) -> tuple[KindPaths, KindPaths]:
    """Arteries and veins of which none seems to go on as a vessel of the other kind.

    An artery's tip and a vein's that lie in one line and point at each other look like a vessel that changes its kind,
    which no eye has. Where annotators stop to draw a twig is chance; so the thinner of the two ends earlier.

    Args:
        artery, vein: traced and repaired paths, px of a map of 256 px.
    """
    for _ in range(_ROUNDS):
        tips = _Tips(artery), _Tips(vein)
        gap = _gaps(*tips)
        pairs = np.argwhere(np.isfinite(gap))
        if not len(pairs):
            break
        loss = [np.zeros(len(one.place)) for one in tips]
        for a, v in pairs.tolist():
            kind, tip = (0, a) if tips[0].width[a] <= tips[1].width[v] else (1, v)
            loss[kind][tip] = max(loss[kind][tip], _APART_PX - gap[a, v])
        artery, vein = (_shortened(*of) for of in zip((artery, vein), (one.ends for one in tips), loss, strict=True))
    return artery, vein
