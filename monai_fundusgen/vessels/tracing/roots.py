"""Trunks that end on the optic disc, carried on to the root of their tree: one artery and one vein feed an eye."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from monai_fundusgen.vessels.tracing.gaps import smooth_arc
from monai_fundusgen.vessels.tracing.links import BACK_POINTS, pieces_of
from monai_fundusgen.vessels.tracing.paths import FreeEnds, KindPaths

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

_REACH: Final = 1.6  # disc radii round its middle in which a trunk may end
_LEAST: Final = 1.5  # disc radii of centre line that make a piece a trunk
_TURN_DEG: Final = 120.0  # how far its end may point past the root, or past the disc's middle
_WIDTH_POINTS: Final = 16  # the width of a trunk is the median over this many points


class _Pieces:
    """Connected pieces (I,) of the paths of one kind: length, size, and distance from the disc's middle."""

    def __init__(self, paths: KindPaths, disc_rc: FloatArray) -> None:
        of_path = pieces_of(paths)
        self.of_point = np.repeat(of_path, np.diff(paths.offsets))
        count = int(of_path.max()) + 1
        self.length = np.bincount(of_path, weights=paths.lengths_px, minlength=count)
        self.mass = np.bincount(self.of_point, weights=paths.radius_px, minlength=count)
        self.away = np.hypot(*(paths.points_rc - disc_rc).T)
        self.nearest = np.full(count, np.inf)
        np.minimum.at(self.nearest, self.of_point, self.away)

    def trunks(self, radius_px: float) -> IntArray:
        """Pieces that come near the disc, the one that holds the root first: the largest on the disc."""
        near = np.flatnonzero((self.nearest <= _REACH * radius_px) & (self.length >= _LEAST * radius_px))
        rank = self.mass[near] * np.where(self.nearest[near] <= radius_px, 1.0, 1e-6)
        return near[np.argsort(-rank, kind="stable")]

    def root(self, piece: int) -> int:
        """Point of a piece that is nearest to the disc's middle."""
        points = np.flatnonzero(self.of_point == piece)
        return int(points[np.argmin(self.away[points])])


def _pointing(outward: FloatArray, from_rc: FloatArray, to_rc: FloatArray) -> FloatArray:
    """Cosine between unit vectors (E, 2) and the ways (E, 2) between points."""
    way = to_rc - from_rc
    cosine: FloatArray = (outward * way).sum(axis=1) / np.maximum(np.hypot(*way.T), 1e-9)
    return cosine


def _proximal_ends(
    paths: KindPaths, ends: FreeEnds, outward: FloatArray, pieces: _Pieces, disc_rc: FloatArray, radius_px: float
) -> tuple[int, list[int]]:
    """The root's point, and the row in ``ends`` of the end by which each other trunk leaves it."""
    trunks = pieces.trunks(radius_px)
    if len(trunks) < 2:
        return -1, []
    root = pieces.root(int(trunks[0]))
    tip_rc = paths.points_rc[ends.point]
    ahead = np.maximum(_pointing(outward, tip_rc, paths.points_rc[[root]]), _pointing(outward, tip_rc, disc_rc[None]))
    length = np.hypot(*(paths.points_rc[root] - tip_rc).T)
    fits = (pieces.away[ends.point] <= _REACH * radius_px) & (ahead >= np.cos(np.deg2rad(_TURN_DEG))) & (length > 0)
    chosen = []
    for trunk in trunks[1:]:
        own = np.flatnonzero(fits & (pieces.of_point[ends.point] == trunk))
        if len(own):
            chosen.append(int(own[np.argmin(length[own] * (1.5 - ahead[own]))]))
    return root, chosen


def join_at_disc(paths: KindPaths, disc_rc: tuple[float, float], radius_px: float) -> KindPaths:
    """Trunks of one kind that end on or beside the disc, joined to the largest of them, each by a smooth arc.

    A trunk is joined by the end that points at the root of the largest one or at the disc's middle, in the width that
    it has there. Without a free end near the disc it stays as it is.

    Args:
        paths: vessels of one kind.
        disc_rc: middle of the disc; NaN, where it is unknown, joins nothing.
        radius_px: of the disc.
    """
    middle = np.asarray(disc_rc, dtype=np.float64)
    if not len(paths.nodes) or not np.isfinite(middle).all():
        return paths
    ends = paths.free_ends()
    outward = paths.outward(ends, BACK_POINTS)
    root, chosen = _proximal_ends(paths, ends, outward, _Pieces(paths, middle), middle, radius_px)
    if not chosen:
        return paths
    points, radii = [], []
    root_rc = paths.points_rc[root]
    at_root = np.flatnonzero(ends.point == root)
    for end in chosen:
        tip_rc = paths.points_rc[ends.point[end]]
        arrival = (tip_rc - root_rc) / np.hypot(*(tip_rc - root_rc))
        if len(at_root) and float(outward[at_root[0]] @ arrival) > -0.2:
            arrival = outward[at_root[0]]
        points.append(smooth_arc(tip_rc, root_rc, outward[end], arrival))
        back = [int(ends.behind(step)[end]) for step in range(0, _WIDTH_POINTS, 2)]
        radii.append(np.full(len(points[-1]), np.median(paths.radius_px[back])))
    split, _, node = paths.split_at(np.append(ends.point[chosen], root))
    sizes = [len(arc) for arc in points]
    return KindPaths(
        np.concatenate([split.points_rc, *points]),
        np.concatenate([split.radius_px, *radii]),
        np.append(split.offsets, split.offsets[-1] + np.cumsum(sizes, dtype=np.int64)),
        np.concatenate([split.nodes, np.stack([node[:-1], np.full(len(chosen), node[-1])], axis=1)]),
    )
