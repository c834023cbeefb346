"""Classes of vessel pixels: by the width of their vessel, and by their distance from the optic disc."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from monai_fundusgen.vessels.graph import SegmentGraph, vessel_graph

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
IntArray = NDArray[np.int64]

#: Lower edges of the classes of width, px of a picture of 1024 px, and of distance from the middle of the disc, in
#: diameters of the field (the first reaches just beyond the disc's rim); the last class of each is open.
WIDTH_EDGES_PX: Final = (0.0, 2.5, 4.0, 7.0, 12.0)
DISTANCE_EDGES: Final = (0.0, 0.1, 0.25, 0.5)


def class_names(edges: Sequence[float]) -> list[str]:
    """Names of the classes between rising edges: ``under 2.5``, ``2.5-4``, ..., ``12 and more``."""
    between = [f"{low:g}-{high:g}" for low, high in zip(edges[1:], edges[2:], strict=False)]
    return [f"under {edges[1]:g}", *between, f"{edges[-1]:g} and more"]


def class_of(values: NDArray[np.floating], edges: Sequence[float]) -> IntArray:
    """Number of the class of each value (...), from 0; -1 where the value is NaN."""
    found = np.searchsorted(np.asarray(edges), values, side="right") - 1
    return np.where(np.isnan(values), -1, found).astype(np.int64)


def vessel_width_px(vessels: NDArray[np.bool_]) -> FloatArray:
    """Width of the vessel that each pixel belongs to (H, W), in px; NaN off vessels.

    A pixel belongs to the nearest stretch between two junctions, and has the median width of that. Where vessels of
    several planes lie over each other, the widest counts.

    Args:
        vessels: planes (C, H, W), each measured by itself: the two kinds, and what has none.
    """
    width = np.full(vessels.shape[1:], -np.inf)
    for plane in vessels:
        pixels = np.argwhere(plane)
        points, widths = _stretch_widths(vessel_graph(plane)) if len(pixels) else (pixels, np.zeros(0))
        if len(points):
            _, nearest = cKDTree(points).query(pixels)
            rows, columns = pixels.T
            width[rows, columns] = np.maximum(width[rows, columns], widths[nearest])
    return np.where(np.isneginf(width), np.nan, width)


def _stretch_widths(graph: SegmentGraph) -> tuple[NDArray[Any], FloatArray]:
    """Points of the centre lines (P, 2) with the width of their stretch (P,); specks without a line are points too."""
    lone = np.flatnonzero(graph.degree == 0)
    points = np.concatenate([graph.points_rc, graph.node_rc[lone]])
    along = np.repeat(graph.segment_widths_px(), np.diff(graph.offsets)) if graph.num_segments else np.zeros(0)
    return points, np.concatenate([along, 2 * graph.node_radius_px[lone] - 1])


def disc_distance(shape: tuple[int, int], disc_rc: tuple[float, float], field_px: float) -> FloatArray:
    """Distance of each pixel (H, W) from the middle of the disc, in diameters of the field; NaN without a disc.

    Args:
        shape: height and width.
        disc_rc: row and column of the disc's middle.
        field_px: diameter of the field.
    """
    rows, columns = (np.arange(side, dtype=np.float64) for side in shape)
    found: FloatArray = np.hypot((rows - disc_rc[0])[:, None], (columns - disc_rc[1])[None]) / field_px
    return found
