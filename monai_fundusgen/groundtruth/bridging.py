"""Gaps of a vessel map bridged along what the frames show, and only where two of them show it."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from skimage.graph import MCP_Geometric

from monai_fundusgen.vessels.graph import SegmentGraph, vessel_graph

FloatArray = NDArray[np.float64]
Masks = NDArray[np.bool_]

_BACK_POINTS: Final = 8  # points of a branch behind its end that tell where it points
_FACING: Final = 0.8  # least cosine between that direction and the gap
_FLOOR: Final = 0.02  # probability below which a pixel costs no more
_DETOUR: Final = 1.5  # longest way over the straight one


def bridge_gaps(
    mask: Masks,
    probability: NDArray[np.float32],
    support: NDArray[np.uint8],
    *,
    longest_px: float = 20.0,
    least_support: int = 2,
) -> tuple[Masks, int]:
    """Join the free ends of a vessel map to vessels ahead of them, where frames agree all along the way.

    From each free end of the vessel graph the likeliest way (least sum of -log probability) is sought to vessel pixels
    beyond the branch itself; it is taken where it leads on in the branch's direction, is at most ``longest_px`` long,
    and every pixel of it has the support of ``least_support`` frames. A bridge is as wide as the branch's end.

    Args:
        mask: (H, W) vessel map.
        probability: (H, W) in [0, 1], merged.
        support: (H, W), frames that show a vessel there; see `aggregation.support`.
        longest_px: of a gap.
        least_support: frames.

    Returns:
        The map with its bridges, and how many there are.
    """
    graph = vessel_graph(mask)
    cost = np.where(support >= least_support, -np.log(np.maximum(probability, _FLOOR)) + 0.1, -1.0)
    cost[mask] = 0.05
    bridged, count = mask.copy(), 0
    for tip, direction, radius in _free_ends(graph):
        way = _way_on(mask, cost, tip, direction, longest_px, radius)
        if way is not None:
            _draw(bridged, way, radius)
            count += 1
    return bridged, count


def _free_ends(graph: SegmentGraph) -> list[tuple[FloatArray, FloatArray, float]]:
    """Place (row, column), unit direction outward, and radius of every free end of more than a few points."""
    found = []
    ends = graph.is_end(graph.segment_nodes)
    for segment, (first, last) in enumerate(ends):
        points = graph.points_rc[graph.offsets[segment] : graph.offsets[segment + 1]]
        widths = graph.width_px[graph.offsets[segment] : graph.offsets[segment + 1]]
        if len(points) <= _BACK_POINTS:
            continue
        for free, line, wide in ((first, points[::-1], widths[::-1]), (last, points, widths)):
            along = line[-1] - line[-1 - _BACK_POINTS]
            if free and np.hypot(*along) > 0:
                found.append((line[-1], along / np.hypot(*along), float(np.median(wide[-_BACK_POINTS:])) / 2))
    return found


def _way_on(
    mask: Masks, cost: FloatArray, tip: FloatArray, direction: FloatArray, longest_px: float, radius: float
) -> NDArray[np.int64] | None:
    """Pixels (N, 2) from an end to another vessel, or None."""
    reach = int(np.ceil(longest_px))
    corner = np.maximum(np.rint(tip).astype(int) - reach, 0)
    box = tuple(slice(low, low + 2 * reach + 1) for low in corner)
    here = tuple(np.rint(tip).astype(int) - corner)
    costs = cost[box].copy()
    rows, columns = np.indices(costs.shape)
    away = np.stack([rows - (tip - corner)[0], columns - (tip - corner)[1]])
    length = np.hypot(*away)
    ahead = (away[0] * direction[0] + away[1] * direction[1]) >= _FACING * length
    costs[~ahead & (length > radius + 1.5)] = -1  # forward only
    goals = mask[box] & ahead & (length > radius + 2.0) & (length <= longest_px)
    if not goals.any():
        return None
    costs[here] = 0.05
    finder = MCP_Geometric(costs)
    total, _ = finder.find_costs([here])
    total = np.where(goals, total, np.inf)
    goal = np.unravel_index(int(total.argmin()), total.shape)
    if not np.isfinite(total[goal]):
        return None
    way = np.asarray(finder.traceback(goal), dtype=np.int64)
    if len(way) > _DETOUR * max(float(length[goal]), 1.0) or mask[box][way[:, 0], way[:, 1]].all():
        return None
    return np.asarray(way + corner, dtype=np.int64)


def _draw(mask: Masks, way: NDArray[np.int64], radius: float) -> None:
    """Set the pixels within ``radius`` of a way, in place."""
    reach = max(int(np.floor(radius)), 0)
    offsets = [
        (i, j) for i in range(-reach, reach + 1) for j in range(-reach, reach + 1) if i * i + j * j <= radius * radius
    ] or [(0, 0)]
    for i, j in offsets:
        rows, columns = way[:, 0] + i, way[:, 1] + j
        inside = (rows >= 0) & (columns >= 0) & (rows < mask.shape[0]) & (columns < mask.shape[1])
        mask[rows[inside], columns[inside]] = True
