"""Central calibres and their ratio: of an eye's own graph, or from a vessel map alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from monai_fundusgen.conventions import ARTERY, VEIN
from monai_fundusgen.vessels.convergence import find_disc
from monai_fundusgen.vessels.eye import Retina, VesselGraph
from monai_fundusgen.vessels.graph import SegmentGraph, vessel_graph

FloatArray = NDArray[np.float64]

#: Calibres of a graph are read on the circle in the middle of zone B, in disc diameters from the middle of the disc.
ZONE_B_DISC_DIAMETERS: Final = 1.25
#: Ring round the disc in which vessels of a map are measured, as shares of the side of a map of 60 degrees: 0.7 to 2.2
#: disc diameters.
RING: Final = (0.07, 0.22)
_RING_DEG: Final = 60.0
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


def calibres_on_circle(graph: VesselGraph, centre_mm: Sequence[float], radius_mm: float, kind: int) -> FloatArray:
    """Diameters (um) of the vessels of a kind that leave a circle, widest first."""
    inside = np.hypot(*(graph.xy_mm - np.asarray(centre_mm)).T) < radius_mm
    leaves = (graph.parent >= 0) & ~inside & inside[np.maximum(graph.parent, 0)] & (graph.kind == kind)
    return np.sort(2 * graph.radius_um[leaves])[::-1]


def central_calibres_um(retina: Retina) -> tuple[float, float]:
    """Central retinal artery and vein equivalents of an eye whose graph and disc are known, in um.

    Of the six widest vessels on the circle 1.25 disc diameters from the middle of the disc; NaN for fewer than two.
    """
    marks = retina.landmarks
    circle_mm = 2 * marks.disc_radius_mm * ZONE_B_DISC_DIAMETERS
    artery, vein = (
        knudtson(calibres_on_circle(retina.graph, marks.disc_mm, circle_mm, kind), constant)
        for kind, constant in KNUDTSON.items()
    )
    return artery, vein


def central_calibres_px(
    vessels: NDArray[np.floating], disc_rc: tuple[float, float] | None = None, *, field_deg: float = _RING_DEG
) -> tuple[float, float]:
    """Central retinal artery and vein equivalents, in px; NaN for a kind with fewer than two vessels round the disc.

    Each of the six widest segments in the `RING` counts with its median width. At 256 px a width is two to five
    pixels, so single values are noisy: docs/reference/metrics.md tells how well they follow the graph of a phantom.

    Args:
        vessels: soft or binary vessel map (2, S, S) in [0, 1].
        disc_rc: row and column of the disc's middle; found on the vessels, if left out.
        field_deg: visual angle of the field, for the size of the ring.

    Source: Knudtson et al. 2003 (Curr Eye Res 27:143).
    """
    graphs = [vessel_graph(plane >= 0.5) for plane in np.asarray(vessels)]
    side = vessels.shape[-1]
    disc = np.asarray(disc_rc or find_disc(vessels, field_deg))
    widths = (_widest(graph, disc, side * _RING_DEG / field_deg) for graph in graphs)
    artery, vein = (knudtson(wide, KNUDTSON[kind]) for kind, wide in enumerate(widths))
    return artery, vein


def arteriole_venule_ratio(
    vessels: NDArray[np.floating], disc_rc: tuple[float, float] | None = None, *, field_deg: float = _RING_DEG
) -> float:
    """Ratio of the two `central_calibres_px`; NaN where one is missing."""
    artery, vein = central_calibres_px(vessels, disc_rc, field_deg=field_deg)
    return artery / vein


def _widest(graph: SegmentGraph, disc_rc: FloatArray, side: float) -> list[float]:
    """Median widths of the widest segments in the ring, widest first; ``side`` is that of a map of 60 degrees."""
    away = np.hypot(*(graph.points_rc - disc_rc).T) / side
    seen = (away > RING[0]) & (away < RING[1]) & graph.clear
    medians = []
    for first, last in zip(graph.offsets[:-1], graph.offsets[1:], strict=True):
        inside = seen[first:last]
        if inside.sum() >= _SHORTEST:
            medians.append(float(np.median(graph.width_px[first:last][inside])))
    return sorted(medians, reverse=True)[:NUM_WIDEST]
