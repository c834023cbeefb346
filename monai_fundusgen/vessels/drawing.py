"""Vessel graphs drawn analytically, at any image size: coverage, chords, calibres, edge numbers and labels.

Every edge is a capsule of constant radius. Sub-pixel vessels keep their area at every angle: coverage and chord are
means over the pixel across the vessel. A square seen along a vessel is a box of width |cos| of its angle smeared by a
box of width |sin|; the wider box is integrated in closed form, the narrower by Gauss's rule of two points.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numba import njit
from numpy.typing import NDArray

from monai_fundusgen.conventions import ARTERY, KINDS, VEIN
from monai_fundusgen.vessels.eye import UNKNOWN, Retina

#: Labels widen thinner vessels to this radius (px): the least that keeps every vessel 8-connected.
CLAMP_PX: Final = 0.5


@dataclass(frozen=True)
class VesselRaster:
    """One eye's vessels on a ``size`` x ``size`` grid; channel order artery, vein.

    Attributes:
        coverage: (2, H, W) float32 in [0, 1], share of the pixel that the vessel covers.
        chord_um: (2, H, W) float32, mean way of light through the vessel (a cylinder) over the pixel.
        diameter_um: (2, H, W) float32, diameter of the nearest edge; 0 outside vessels.
        edge: (2, H, W) int32, number of the nearest edge (its child node); -1 outside vessels.
        front: (H, W) uint8, kind in front where both are present; ``UNKNOWN`` elsewhere.
        label: (2, H, W) bool, the vessel map by the label policy, inside the field of view only.
        fov: (H, W) bool, field of view.
        pixel_um: side of a pixel on the retina.
    """

    coverage: NDArray[np.float32]
    chord_um: NDArray[np.float32]
    diameter_um: NDArray[np.float32]
    edge: NDArray[np.int32]
    front: NDArray[np.uint8]
    label: NDArray[np.bool_]
    fov: NDArray[np.bool_]
    pixel_um: float


@njit(cache=True)
def _box(position: float, radius: float, reach: float, size: int) -> tuple[int, int]:
    """First and one past the last pixel within ``reach`` of an interval around ``position``."""
    return max(int(math.ceil(position - reach - radius)), 0), min(int(math.floor(position + reach + radius)) + 1, size)


@njit(cache=True)
def _nearest(ax: float, ay: float, bx: float, by: float, x: float, y: float) -> tuple[float, float]:
    """Distance of a point from an edge, and how far along the edge it is nearest, 0 at a to 1 at b."""
    dx, dy = bx - ax, by - ay
    t = min(max(((x - ax) * dx + (y - ay) * dy) / (dx * dx + dy * dy + 1e-12), 0.0), 1.0)
    return math.sqrt((ax + t * dx - x) ** 2 + (ay + t * dy - y) ** 2), t


@njit(cache=True)
def _area_under_chord(x: float, r: float) -> float:
    """Integral of the chord 2 sqrt(r^2 - x^2) of a circle from its middle to x."""
    x = min(max(x, -r), r)
    return x * math.sqrt(r * r - x * x) + r * r * math.asin(x / r)


@njit(cache=True)
def _pixel_means(d: float, r: float, wide: float, shift: float) -> tuple[float, float]:
    """Means over a pixel at distance d of a vessel of radius r: share covered and chord (px).

    ``wide`` is the pixel's wider box across the vessel, ``shift`` the distance of Gauss's points of the narrower one.
    """
    covered, chord = 0.0, 0.0
    for middle in (d - shift, d + shift):
        low, high = middle - wide / 2, middle + wide / 2
        share = min(high, r) - max(low, -r)
        if share > 0:
            covered += share
            chord += _area_under_chord(high, r) - _area_under_chord(low, r)
    return 0.5 * covered / wide, 0.5 * chord / wide


@njit(cache=True)
def _pixel_boxes(ax: float, ay: float, bx: float, by: float) -> tuple[float, float]:
    """Width of the wider box of a pixel across the edge, and distance of Gauss's points of the narrower one."""
    dx, dy = abs(bx - ax), abs(by - ay)
    length = math.sqrt(dx * dx + dy * dy) + 1e-12
    return max(dx, dy, 0.5 * length) / length, min(dx, dy) / length / math.sqrt(12.0)


@njit(cache=True)
def _draw(
    points: NDArray[np.float64],
    radius: NDArray[np.float64],
    parent: NDArray[np.int32],
    kind: NDArray[np.uint8],
    coverage: NDArray[np.float32],
    chord: NDArray[np.float32],
    edge: NDArray[np.int32],
    gap: NDArray[np.float32],
) -> None:
    """Draw every edge into its kind's channel; lengths in px, ``gap`` is the distance to the nearest wall so far."""
    size = coverage.shape[1]
    for i in range(len(parent)):
        if parent[i] < 0:
            continue
        k, r = kind[i], radius[i]
        (bx, by), (ax, ay) = points[i], points[parent[i]]
        left, right = _box((ax + bx) / 2, abs(ax - bx) / 2, r + 0.71, size)
        top, bottom = _box((ay + by) / 2, abs(ay - by) / 2, r + 0.71, size)
        wide, shift = _pixel_boxes(ax, ay, bx, by)
        for row in range(top, bottom):
            for column in range(left, right):
                d, _ = _nearest(ax, ay, bx, by, column, row)
                if d - shift - wide / 2 >= r:
                    continue
                covered, through = _pixel_means(d, r, wide, shift)
                coverage[k, row, column] = max(coverage[k, row, column], covered)
                chord[k, row, column] = max(chord[k, row, column], through)
                if d - r < gap[k, row, column]:
                    gap[k, row, column], edge[k, row, column] = d - r, i


@njit(cache=True)
def _draw_label(
    points: NDArray[np.float64],
    radius: NDArray[np.float64],
    start: NDArray[np.float64],
    parent: NDArray[np.int32],
    kind: NDArray[np.uint8],
    keep: NDArray[np.bool_],
    label: NDArray[np.bool_],
) -> None:
    """Set the pixels whose centre lies within the radius (px), ``start`` at the parent, of a kept edge."""
    size = label.shape[1]
    for i in range(len(parent)):
        if parent[i] < 0 or not keep[i]:
            continue
        k, widest = kind[i], max(start[i], radius[i])
        (bx, by), (ax, ay) = points[i], points[parent[i]]
        left, right = _box((ax + bx) / 2, abs(ax - bx) / 2, widest, size)
        top, bottom = _box((ay + by) / 2, abs(ay - by) / 2, widest, size)
        for row in range(top, bottom):
            for column in range(left, right):
                if not label[k, row, column]:
                    d, t = _nearest(ax, ay, bx, by, column, row)
                    label[k, row, column] = d <= start[i] + t * (radius[i] - start[i])


@njit(cache=True)
def _kind_in_front(
    both: NDArray[np.bool_], points: NDArray[np.float64], kind: NDArray[np.uint8], out: NDArray[np.uint8]
) -> None:
    """Write the front kind of the nearest crossing (px) into every pixel that holds both kinds."""
    for row in range(both.shape[0]):
        for column in range(both.shape[1]):
            if not both[row, column]:
                continue
            nearest = np.inf
            out[row, column] = ARTERY
            for m in range(len(points)):
                d = (points[m, 0] - column) ** 2 + (points[m, 1] - row) ** 2
                if d < nearest:
                    nearest, out[row, column] = d, kind[m]


def draw_label(
    points_px: NDArray[np.float64],
    radius_px: NDArray[np.float64],
    parent: NDArray[np.int32],
    kind: NDArray[np.uint8],
    size: int,
    *,
    keep: NDArray[np.bool_] | None = None,
    clamp: bool = True,
    taper: bool = False,
) -> NDArray[np.bool_]:
    """Vessel map (2, size, size) of edges in pixels: the pixels whose centre lies within the radius of an edge.

    Args:
        points_px: (N, 2) nodes as (column, row); pixel centres are integers.
        radius_px: (N,) radius of the edge from each node to its parent, or at the node with ``taper``.
        parent: (N,) int32; -1 at a root.
        kind: (N,) uint8, ARTERY or VEIN.
        size: image side, px.
        keep: (N,) bool, edges to draw; all if left out.
        clamp: widen sub-pixel vessels to a radius of ``CLAMP_PX``.
        taper: let the radius of an edge run from its parent's to its own.
    """
    label = np.zeros((len(KINDS), size, size), bool)
    kept = np.ones(len(parent), bool) if keep is None else keep
    radius = np.maximum(radius_px, CLAMP_PX) if clamp else radius_px
    start = radius[parent] if taper else radius
    _draw_label(points_px, radius, start, parent, kind, kept, label)
    return label


def vessel_map(retina: Retina, size: int, *, min_diameter_um: float = 0.0, clamp: bool = True) -> NDArray[np.bool_]:
    """Vessel map (2, size, size) of an eye inside its field of view: the label without the rest of the raster.

    Args:
        retina: the eye.
        size: image side, px.
        min_diameter_um: thinner vessels are left out; calibre never grows downstream, so the rest stays connected.
        clamp: widen sub-pixel vessels to a radius of ``CLAMP_PX``, so that every vessel is 8-connected at any size;
            without it a pixel belongs to the vessel that contains its centre.
    """
    graph, pixel_um = retina.graph, retina.field.pixel_mm(size) * 1000
    label = draw_label(
        retina.field.to_pixels(graph.xy_mm, size),
        graph.radius_um / pixel_um,
        graph.parent,
        graph.kind,
        size,
        keep=2 * graph.radius_um >= min_diameter_um,
        clamp=clamp,
        taper=not retina.known("graph"),
    )
    return label & retina.field.mask(size)


def rasterise(retina: Retina, size: int, *, min_diameter_um: float = 0.0, clamp: bool = True) -> VesselRaster:
    """All rasters of an eye; ``min_diameter_um`` and ``clamp`` are the label policy (:func:`vessel_map`).

    Coverage, chord, diameter and edge hold every vessel, beyond the field of view too.
    """
    graph, pixel_um = retina.graph, retina.field.pixel_mm(size) * 1000
    shape = (len(KINDS), size, size)
    coverage, chord = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
    edge, gap = np.full(shape, -1, np.int32), np.full(shape, np.inf, np.float32)
    radius = graph.radius_um / pixel_um
    points = retina.field.to_pixels(graph.xy_mm, size)
    _draw(points, radius, graph.parent, graph.kind, coverage, chord, edge, gap)
    diameter = np.append(2 * graph.radius_um, 0).astype(np.float32)[edge]
    front = np.full(shape[1:], UNKNOWN, np.uint8)
    crossings = retina.crossings
    _kind_in_front(
        (edge[ARTERY] >= 0) & (edge[VEIN] >= 0), retina.field.to_pixels(crossings.xy_mm, size), crossings.front, front
    )
    return VesselRaster(
        coverage=coverage,
        chord_um=chord * np.float32(pixel_um),
        diameter_um=diameter,
        edge=edge,
        front=front,
        label=vessel_map(retina, size, min_diameter_um=min_diameter_um, clamp=clamp),
        fov=retina.field.mask(size),
        pixel_um=pixel_um,
    )
