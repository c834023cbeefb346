"""Central calibres and their ratio, from a vessel map alone."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from monai_fundusgen.conventions import ARTERY, VEIN
from monai_fundusgen.vessels.convergence import convergence_rc
from monai_fundusgen.vessels.graph import SegmentGraph, vessel_graph

FloatArray = NDArray[np.float64]

#: Ring round the disc in which vessels are measured, as shares of the map's side: 0.7 to 2.2 disc diameters at 60 deg.
RING: Final = (0.07, 0.22)
#: Knudtson's constants of arteries and veins, and how many vessels he takes of each.
KNUDTSON: Final = {ARTERY: 0.88, VEIN: 0.95}
NUM_WIDEST: Final = 6
_SHORTEST: Final = 4  # points of a segment inside the ring


def knudtson(widths: ArrayLike, constant: float) -> float:
    """Width of the central vessel from those of its branches.

    Pairs the widest with the narrowest, ``w = c sqrt(w1**2 + w2**2)``, carries an odd one over, until one is left.

    Args:
        widths: (N,) branch widths; the six largest are used.
        constant: 0.88 for arteries, 0.95 for veins.

    Returns:
        The equivalent in the unit of the widths; NaN for fewer than two branches.

    Source: Knudtson et al. 2003 (Curr Eye Res 27:143-149).
    """
    left = sorted(np.asarray(widths, dtype=np.float64).ravel())[-NUM_WIDEST:]
    if len(left) < 2:
        return float("nan")
    while len(left) > 1:
        pairs = [constant * np.hypot(left[i], left[-1 - i]) for i in range(len(left) // 2)]
        carried = [left[len(left) // 2]] if len(left) % 2 else []
        left = sorted([*pairs, *carried])
    return float(left[0])


def central_calibres_px(
    vessels: NDArray[np.floating], disc_rc: tuple[float, float] | None = None
) -> tuple[float, float]:
    """Central retinal artery and vein equivalents, in px; NaN for a kind with fewer than two vessels round the disc.

    Each of the six widest segments in the `RING` counts with its median width. At 256 px a width is two to five
    pixels, so single values are noisy: over 60 phantoms of 60 degrees the ratio correlates with that of the graph by
    0.59, where the ratio's own standard deviation is 0.05.

    Args:
        vessels: soft or binary vessel map (2, S, S) in [0, 1] with a field of 60 degrees.
        disc_rc: row and column of the disc's middle; where the vessels converge, if left out.

    Source: Knudtson et al. 2003 (Curr Eye Res 27:143).
    """
    graphs = [vessel_graph(plane >= 0.5) for plane in np.asarray(vessels)]
    side = vessels.shape[-1]
    disc = np.asarray(disc_rc or convergence_rc(graphs, side))
    widths = (_widest(graph, disc, side) for graph in graphs)
    artery, vein = (knudtson(wide, KNUDTSON[kind]) for kind, wide in enumerate(widths))
    return artery, vein


def arteriole_venule_ratio(vessels: NDArray[np.floating], disc_rc: tuple[float, float] | None = None) -> float:
    """Ratio of the two `central_calibres_px`; NaN where one is missing."""
    artery, vein = central_calibres_px(vessels, disc_rc)
    return artery / vein


def _widest(graph: SegmentGraph, disc_rc: FloatArray, side: int) -> list[float]:
    """Median widths of the widest segments in the ring, widest first."""
    away = np.hypot(*(graph.points_rc - disc_rc).T) / side
    seen = (away > RING[0]) & (away < RING[1]) & graph.clear
    medians = []
    for first, last in zip(graph.offsets[:-1], graph.offsets[1:], strict=True):
        inside = seen[first:last]
        if inside.sum() >= _SHORTEST:
            medians.append(float(np.median(graph.width_px[first:last][inside])))
    return sorted(medians, reverse=True)[:NUM_WIDEST]
