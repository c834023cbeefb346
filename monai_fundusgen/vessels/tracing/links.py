"""Where a free end of a vessel path may go on: links to ends and walls of other pieces, each with its cost."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from monai_fundusgen.vessels.tracing.paths import KindPaths

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

BACK_POINTS: Final = 8  # the direction of a free end is taken over this many points
_SAMPLES: Final = 9  # of the soft map along a link
_FAINT: Final = 0.05  # share of a pixel from which a link counts as seen in the map
_STRETCH: Final = 2.0  # a link may be this many times longer than its unseen part
_TOUCHING_PX: Final = 1.0  # an end this close to a wall may turn to it
_TOUCHING_DEG: Final = 75.0
_INSIDE_PX: Final = 0.5  # beyond the wall, and still inside the vessel
_GAP_COST: Final = 0.25  # of a px of gap, seen or not


class Links(NamedTuple):
    """L ways on from free ends, cheapest first.

    Attributes:
        point, target: (L,) point numbers of the free end and of where it goes.
        outward: (L, 2) unit vector out of the free end.
        arrival: (L, 2) unit vector out of the target: its own direction where it is a free end, else towards the tip.
        unseen: (L,) length in px over which the map shows no vessel.
        cost: (L,) px, more for gaps, turns and ends away from the disc.
        end_on: (L,) whether the target is a free end.
    """

    point: IntArray
    target: IntArray
    outward: FloatArray
    arrival: FloatArray
    unseen: FloatArray
    cost: FloatArray
    end_on: BoolArray


def pieces_of(paths: KindPaths) -> IntArray:
    """Number of the connected piece of each path (S,), from 0."""
    count = int(paths.nodes.max(initial=-1)) + 1
    links = coo_array((np.ones(len(paths.nodes)), tuple(paths.nodes.T)), shape=(count, count))
    piece: IntArray = connected_components(links, directed=False)[1][paths.nodes[:, 0]]
    return np.unique(piece, return_inverse=True)[1].reshape(-1).astype(np.int64)


def piece_lengths_px(paths: KindPaths) -> FloatArray:
    """Length of the connected piece that each path belongs to (S,)."""
    piece = pieces_of(paths)
    lengths: FloatArray = np.bincount(piece, weights=paths.lengths_px, minlength=1).astype(np.float64)[piece]
    return lengths


def unseen_share(seen: NDArray[np.float32], a_rc: FloatArray, b_rc: FloatArray) -> FloatArray:
    """Share of straight lines between points (L, 2) along which a plane holds no vessel (L,)."""
    t = ((np.arange(_SAMPLES) + 0.5) / _SAMPLES)[:, None, None]
    on = ((1 - t) * a_rc + t * b_rc).reshape(-1, 2).T
    values: FloatArray = ndimage.map_coordinates(seen, on, order=1, mode="nearest").reshape(_SAMPLES, -1)
    return 1 - np.minimum(values / _FAINT, 1.0).mean(axis=0)


def distal_rank(away: FloatArray, piece: IntArray) -> FloatArray:
    """Rank of each point (P,) in its piece by its distance from the disc: 0 the nearest, 1 the farthest."""
    count = int(piece.max(initial=-1)) + 1
    near, far = np.full(count, np.inf), np.zeros(count)
    np.minimum.at(near, piece, away)
    np.maximum.at(far, piece, away)
    return (away - near[piece]) / np.maximum(far - near, 1e-9)[piece]


def _dot(a: FloatArray, b: FloatArray) -> FloatArray:
    dot: FloatArray = (a * b).sum(axis=-1)
    return dot


def _near(paths: KindPaths, point: IntArray, reach_px: float) -> tuple[IntArray, IntArray]:
    """Rows of ``point``, and points of other pieces within reach of them."""
    piece = np.repeat(pieces_of(paths), np.diff(paths.offsets))
    near = cKDTree(paths.points_rc).query_ball_point(paths.points_rc[point], reach_px, return_sorted=True)
    end = np.repeat(np.arange(len(point)), [len(one) for one in near])
    target = np.concatenate([np.zeros(0, dtype=np.int64), *map(np.asarray, near)]).astype(np.int64)
    other = piece[point[end]] != piece[target]
    return end[other], target[other]


def _all_ways(paths: KindPaths, seen: NDArray[np.float32], reach_px: float, tolerance_deg: float) -> Links:
    """Links in no order, without the cost of wrong ends."""
    ends = paths.free_ends()
    outward = paths.outward(ends, BACK_POINTS)
    end, target = _near(paths, ends.point, _STRETCH * reach_px)
    end_at = np.full(len(paths.points_rc), -1)
    end_at[ends.point] = np.arange(len(ends.point))
    tip, end_on, leave = ends.point[end], end_at[target] >= 0, outward[end]

    way = paths.points_rc[target] - paths.points_rc[tip]
    length = np.hypot(way[:, 0], way[:, 1])
    onward = way / np.maximum(length, 1e-9)[:, None]
    arrival = np.where(end_on[:, None], outward[end_at[target]], -onward)
    ahead, back, facing = _dot(leave, onward), -_dot(arrival, onward), np.where(end_on, -_dot(arrival, leave), 1.0)
    gap = np.maximum(length - paths.radius_px[target] - paths.radius_px[tip], 0.0)
    unseen = gap * unseen_share(seen, paths.points_rc[tip], paths.points_rc[target])

    straight, bent = np.cos(np.deg2rad([tolerance_deg, _TOUCHING_DEG]))
    inside = length <= paths.radius_px[target] + _INSIDE_PX
    least = np.where(gap <= _TOUCHING_PX, bent, straight)
    fits = (inside | (np.minimum(ahead, back) >= least)) & (facing >= straight) & (unseen <= reach_px)
    cost = unseen + _GAP_COST * gap + np.where(inside, 0.0, length * (2 - ahead - back))
    ways = (tip, target, leave, arrival, unseen, cost, end_on)
    return Links._make(column[fits] for column in ways)


def ways_on(
    paths: KindPaths,
    away: FloatArray,
    seen: NDArray[np.float32],
    *,
    reach_px: float,
    tolerance_deg: float = 40.0,
    distal_px: float = 6.0,
) -> Links:
    """Links from every free end to points of other pieces that it points at.

    An end that touches a wall need not point at it, one inside a vessel even less; an end goes to another end only
    where the two face each other.

    Args:
        paths: paths of any kinds.
        away: (P,) distance of each point from the disc, px; zeros where it is unknown.
        seen: (S, S) share of each pixel that vessels of either kind cover; a faint trace in it shortens a link.
        reach_px: longest unseen part of a link.
        tolerance_deg: how far an end may point past its target.
        distal_px: cost of a link at the end of a piece that is far from the disc: vessels spring from the near one.
    """
    if not len(paths.nodes):
        none = np.zeros(0, dtype=np.int64)
        return Links(none, none, np.zeros((0, 2)), np.zeros((0, 2)), np.zeros(0), np.zeros(0), none > 0)
    links = _all_ways(paths, seen, reach_px, tolerance_deg)
    rank = distal_rank(away, np.repeat(pieces_of(paths), np.diff(paths.offsets)))
    wrong = np.where(links.end_on, np.minimum(rank[links.point], rank[links.target]), rank[links.point])
    links = links._replace(cost=links.cost + distal_px * wrong)
    order = np.argsort(links.cost, kind="stable")
    return Links._make(column[order] for column in links)
