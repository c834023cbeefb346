"""Measures of the vessel graph itself: calibre summaries, junction law, angles, tortuosity, density."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from monai_fundusgen.conventions import ARTERY, VEIN
from monai_fundusgen.vessels.central_calibre import central_calibres_um
from monai_fundusgen.vessels.eye import Retina, VesselGraph
from monai_fundusgen.vessels.field import Field
from monai_fundusgen.vessels.topology import junction_exponents

FloatArray = NDArray[np.float64]

#: Way along a vessel over which the direction of a daughter is taken, mm.
ANGLE_BASE_MM = 0.15
#: Vessel segments shorter than this have no tortuosity, mm.
SHORTEST_SEGMENT_MM = 0.5


@dataclass(frozen=True)
class Morphometry:
    """Measures of one eye; pairs are (artery, vein).

    Attributes:
        crae_um, crve_um: central retinal artery and vein equivalents of the six widest vessels on the circle 1.25 disc
            diameters from the middle of the disc.
        density_percent: vessel area (length times diameter) over the area of the field, in per cent.
        length_mm: length of the centre-lines inside the field.
        angle_deg: mean angle between the two daughters of a junction.
        exponent: median over junctions of the exponent k of ``r0**k = r1**k + r2**k``.
        tortuosity: mean of arc over chord over the segments between junctions of at least 0.5 mm.
        crossings: artery-vein crossings inside the field.
    """

    crae_um: float
    crve_um: float
    density_percent: tuple[float, float]
    length_mm: tuple[float, float]
    angle_deg: tuple[float, float]
    exponent: tuple[float, float]
    tortuosity: tuple[float, float]
    crossings: int

    @property
    def avr(self) -> float:
        """Arteriole-to-venule ratio, CRAE over CRVE."""
        return self.crae_um / self.crve_um


@njit(cache=True)
def junctions(parent: NDArray[np.int32]) -> NDArray[np.int32]:
    """Rows (node, first child, second child) of all nodes with two children."""
    first, second = np.full(len(parent), -1, np.int32), np.full(len(parent), -1, np.int32)
    for i in range(len(parent)):
        if parent[i] < 0:
            continue
        if first[parent[i]] < 0:
            first[parent[i]] = i
        else:
            second[parent[i]] = i
    nodes = np.flatnonzero(second >= 0)
    out = np.empty((len(nodes), 3), np.int32)
    for row in range(len(nodes)):
        out[row, 0], out[row, 1], out[row, 2] = nodes[row], first[nodes[row]], second[nodes[row]]
    return out


def _only_children(parent: NDArray[np.int32]) -> NDArray[np.int32]:
    """The child of every node that has exactly one, else -1."""
    number = np.bincount(parent[parent >= 0], minlength=len(parent))
    child = np.full(len(parent), -1, np.int32)
    nodes = np.flatnonzero(parent >= 0)
    child[parent[nodes]] = nodes
    return np.where(number == 1, child, -1)


@njit(cache=True)
def _end_points(
    xy: FloatArray, onward: NDArray[np.int32], above: NDArray[np.int32], start: NDArray[np.int32], base_mm: float
) -> FloatArray:
    """Where each daughter is after ``base_mm`` of way, or at its next junction if that comes first."""
    out = np.empty((len(start), 2))
    for row in range(len(start)):
        i = start[row]
        dx, dy = xy[i, 0] - xy[above[row], 0], xy[i, 1] - xy[above[row], 1]
        way = np.sqrt(dx * dx + dy * dy)
        while way < base_mm and onward[i] >= 0:
            dx, dy = xy[onward[i], 0] - xy[i, 0], xy[onward[i], 1] - xy[i, 1]
            way += np.sqrt(dx * dx + dy * dy)
            i = onward[i]
        out[row] = xy[i]
    return out


def junction_angles_deg(graph: VesselGraph, nodes: NDArray[np.int32]) -> FloatArray:
    """Angle between the two daughters of junctions (N, 3), as :func:`junctions` lists them."""
    onward = _only_children(graph.parent)
    at = graph.xy_mm[nodes[:, 0]]
    a = _end_points(graph.xy_mm, onward, nodes[:, 0], nodes[:, 1], ANGLE_BASE_MM) - at
    b = _end_points(graph.xy_mm, onward, nodes[:, 0], nodes[:, 2], ANGLE_BASE_MM) - at
    turn = a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]
    return np.rad2deg(np.abs(np.arctan2(turn, (a * b).sum(1))))


@njit(cache=True)
def segment_tortuosity(
    xy: FloatArray, parent: NDArray[np.int32], onward: NDArray[np.int32], shortest_mm: float
) -> FloatArray:
    """Arc over chord of the segments between junctions, at the last node of each; nan elsewhere and for short ones."""
    out = np.full(len(parent), np.nan)
    for last in range(len(parent)):
        if onward[last] >= 0 or parent[last] < 0:
            continue
        i, arc = last, 0.0
        while parent[i] >= 0:
            p = parent[i]
            arc += np.sqrt((xy[i, 0] - xy[p, 0]) ** 2 + (xy[i, 1] - xy[p, 1]) ** 2)
            i = p
            if onward[p] < 0:
                break
        chord = np.sqrt((xy[last, 0] - xy[i, 0]) ** 2 + (xy[last, 1] - xy[i, 1]) ** 2)
        if arc >= shortest_mm:
            out[last] = arc / chord
    return out


def field_area_mm2(field: Field) -> float:
    """Area of the circle, less the two segments cut off at top and bottom."""
    angle = np.arcsin(field.cut)
    return float(2 * field.radius_mm**2 * (angle + field.cut * np.cos(angle)))


def measure(retina: Retina) -> Morphometry:
    """All measures of an eye; length, density and crossings inside the field, the rest over the whole graph."""
    graph = retina.graph
    lengths = np.hypot(*(graph.xy_mm - graph.xy_mm[np.maximum(graph.parent, 0)]).T)
    seen = retina.field.holds(graph.xy_mm) & (graph.parent >= 0)
    nodes = junctions(graph.parent)
    nodes = nodes[graph.parent[nodes[:, 0]] >= 0]
    angles = junction_angles_deg(graph, nodes)
    winding = segment_tortuosity(graph.xy_mm, graph.parent, _only_children(graph.parent), SHORTEST_SEGMENT_MM)
    area = field_area_mm2(retina.field)
    rows = []
    for kind in (ARTERY, VEIN):
        mine, of = seen & (graph.kind == kind), graph.kind[nodes[:, 0]] == kind
        radii = graph.radius_um[nodes[of]]
        rows.append((
            float(100 * (lengths * graph.radius_um)[mine].sum() * 2e-3 / area),
            float(lengths[mine].sum()),
            float(angles[of].mean()),
            float(np.median(junction_exponents(radii))),
            float(np.nanmean(winding[graph.kind == kind])),
        ))  # fmt: skip
    crae_um, crve_um = central_calibres_um(retina)
    density, length, angle, exponent, tortuosity = zip(*rows, strict=True)
    return Morphometry(
        crae_um=crae_um,
        crve_um=crve_um,
        density_percent=density,
        length_mm=length,
        angle_deg=angle,
        exponent=exponent,
        tortuosity=tortuosity,
        crossings=int(retina.field.holds(retina.crossings.xy_mm).sum()),
    )
