"""The record of one eye: landmarks, camera field, vessel graph, crossings, and which of them are known.

It goes with a sample from its source to the files: the truth of a phantom, or what was found in a map that has none.

Frame: millimetres on the retina, origin at the fovea, x to the image right, y down. In a right eye the optic disc lies
at positive x; a left eye is its exact mirror image in x.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from monai_fundusgen.vessels.field import Field

FloatArray = NDArray[np.float64]

#: Territories of the trunks: superior/inferior temporal, superior/inferior nasal.
QUADRANTS: Final = ("superotemporal", "inferotemporal", "superonasal", "inferonasal")
#: Quadrant of a vessel whose trunk is not known, and front of a crossing whose depth is not known.
UNKNOWN: Final = 255
#: Where an eye comes from, and the parts of its record that may be estimated.
SOURCES: Final = ("phantom", "ddpm", "folder")
PARTS: Final = ("disc", "fovea", "laterality", "field", "graph")


@dataclass(frozen=True)
class Landmarks:
    """Optic disc, cup, fovea and laterality.

    Attributes:
        disc_mm: centre of the optic disc (x, y); the fovea is the origin. NaN where neither could be found.
        disc_radius_mm: half the disc diameter; NaN if unknown, as are the next two.
        cup_ratio: cup radius over disc radius, in (0, 1).
        faz_radius_mm: radius of the vessel-free zone round the fovea.
        right_eye: True for a right eye (disc at positive x); None if unknown.
    """

    disc_mm: tuple[float, float]
    disc_radius_mm: float
    cup_ratio: float
    faz_radius_mm: float
    right_eye: bool | None


@dataclass(frozen=True)
class VesselGraph:
    """Two forests, arteries and veins, as arrays over N nodes; edge i joins node i to ``parent[i]``.

    In a graph that was traced, a loop is cut where its two ways round from the disc meet: two nodes lie there.

    Attributes:
        xy_mm: (N, 2) float64.
        radius_um: (N,) float64; never growing from root to leaf in a phantom.
        kind: (N,) uint8, ARTERY or VEIN.
        parent: (N,) int32; -1 at a root. A parent precedes its children.
        leaves: (N,) float64, terminal vessels fed by the node; vessels that leave the grown domain count as the many
            that their calibre would feed.
        quadrant: (N,) uint8, index into ``QUADRANTS``, of the trunk the node belongs to, or ``UNKNOWN``.

    The radius of edge i is ``radius_um[i]``: in a phantom it changes at junctions and near the tips only.
    In a graph that was traced it runs evenly from the parent's to the node's.
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
        front: (M,) uint8, the kind that lies in front, or ``UNKNOWN``.
    """

    xy_mm: FloatArray
    artery_edge: NDArray[np.int32]
    vein_edge: NDArray[np.int32]
    angle_deg: FloatArray
    front: NDArray[np.uint8]


@dataclass(frozen=True)
class Retina:
    """One eye: everything that photographs, maps and angiograms are drawn from, or what was found in a map.

    Attributes:
        seed: that it was drawn from.
        landmarks: disc, fovea, laterality.
        field: what the camera sees of it.
        graph: its vessels.
        crossings: where an artery passes a vein.
        source: one of ``SOURCES``.
        estimated: those of ``PARTS`` that were found or assumed, not known; empty for a phantom.
    """

    seed: int
    landmarks: Landmarks
    field: Field
    graph: VesselGraph
    crossings: Crossings
    source: str = "phantom"
    estimated: tuple[str, ...] = ()

    def known(self, part: str) -> bool:
        """Whether one of ``PARTS`` is the truth."""
        return part not in self.estimated

    def landmarks_rc(self, size: int) -> FloatArray:
        """Disc and fovea as (row, column) of a ``size`` x ``size`` image, (2, 2); NaN where they are not known."""
        disc = np.asarray(self.landmarks.disc_mm)
        return self.field.to_pixels(np.stack([disc, disc * 0]), size)[:, ::-1]
