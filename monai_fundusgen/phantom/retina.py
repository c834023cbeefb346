"""The record of one eye: landmarks, camera field, vessel graph, crossings.

Frame: millimetres on the retina, origin at the fovea, x to the image right, y down. In a right eye the optic disc lies
at positive x; a left eye is its exact mirror image in x.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monai_fundusgen.conventions import FIELD_FILL, MM_PER_DEGREE

FloatArray = NDArray[np.float64]

#: Territories of the trunks: superior/inferior temporal, superior/inferior nasal.
QUADRANTS = ("superotemporal", "inferotemporal", "superonasal", "inferonasal")


@dataclass(frozen=True)
class Landmarks:
    """Optic disc, cup, fovea and laterality.

    Attributes:
        disc_mm: centre of the optic disc (x, y); the fovea is the origin.
        disc_radius_mm: half the disc diameter.
        cup_ratio: cup radius over disc radius, in (0, 1).
        faz_radius_mm: radius of the vessel-free zone round the fovea.
        right_eye: True for a right eye (disc at positive x).
    """

    disc_mm: tuple[float, float]
    disc_radius_mm: float
    cup_ratio: float
    faz_radius_mm: float
    right_eye: bool


@dataclass(frozen=True)
class Field:
    """What the camera sees: a circle, possibly cut flat at top and bottom, in a square image.

    Attributes:
        diameter_deg: visual angle across the circle (30, 45, 50, 60).
        centre_mm: image centre in the frame of the eye.
        cut: visible half height over the circle's radius, in (0, 1]; 1 is the whole circle.
    """

    diameter_deg: float = 45.0
    centre_mm: tuple[float, float] = (0.0, 0.0)
    cut: float = 1.0

    @property
    def radius_mm(self) -> float:
        """Radius of the circle on the retina."""
        return self.diameter_deg / 2 * MM_PER_DEGREE

    def pixel_mm(self, size: int) -> float:
        """Side of a pixel of a ``size`` x ``size`` image."""
        return 2 * self.radius_mm / (FIELD_FILL * size)

    def grid_mm(self, size: int) -> tuple[FloatArray, FloatArray]:
        """Positions of pixel centres: x as (1, size), y as (size, 1)."""
        offset: FloatArray = (np.arange(size, dtype=np.float64) - (size - 1) / 2) * self.pixel_mm(size)
        return (offset + self.centre_mm[0])[None, :], (offset + self.centre_mm[1])[:, None]

    def to_pixels(self, points_mm: FloatArray, size: int) -> FloatArray:
        """Points (N, 2) of the eye as (column, row) of a ``size`` x ``size`` image; pixel centres are integers."""
        return (points_mm - np.asarray(self.centre_mm)) / self.pixel_mm(size) + (size - 1) / 2

    def mask(self, size: int) -> NDArray[np.bool_]:
        """Field of view (size, size)."""
        x, y = self.grid_mm(size)
        dx, dy = x - self.centre_mm[0], y - self.centre_mm[1]
        return (np.hypot(dx, dy) <= self.radius_mm) & (np.abs(dy) <= self.cut * self.radius_mm)


@dataclass(frozen=True)
class VesselGraph:
    """Two forests, arteries and veins, as arrays over N nodes; edge i joins node i to ``parent[i]``.

    Attributes:
        xy_mm: (N, 2) float64.
        radius_um: (N,) float64, never growing from root to leaf.
        kind: (N,) uint8, ARTERY or VEIN.
        parent: (N,) int32; -1 at a root. A parent precedes its children.
        leaves: (N,) float64, terminal vessels fed by the node; vessels that leave the grown domain count as the many
            that their calibre would feed.
        quadrant: (N,) uint8, index into ``QUADRANTS``, of the trunk the node belongs to.

    The radius of edge i is ``radius_um[i]``: it changes at junctions and near the tips only.
    """

    xy_mm: FloatArray
    radius_um: FloatArray
    kind: NDArray[np.uint8]
    parent: NDArray[np.int32]
    leaves: FloatArray
    quadrant: NDArray[np.uint8]


@dataclass(frozen=True)
class Crossings:
    """Places where an artery passes a vein, from exact intersection of edges; arrays over M crossings.

    Attributes:
        xy_mm: (M, 2) float64.
        artery_edge, vein_edge: (M,) int32, the child node of each edge.
        angle_deg: (M,) float64, acute angle between the two.
        front: (M,) uint8, the kind that lies in front.
    """

    xy_mm: FloatArray
    artery_edge: NDArray[np.int32]
    vein_edge: NDArray[np.int32]
    angle_deg: FloatArray
    front: NDArray[np.uint8]


@dataclass(frozen=True)
class Retina:
    """One eye: everything that photographs, maps and angiograms are drawn from."""

    seed: int
    landmarks: Landmarks
    field: Field
    graph: VesselGraph
    crossings: Crossings
