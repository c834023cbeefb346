"""Where vessels of known kind touch undecided pixels: place, direction, width, and whether they end there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import cKDTree

from monai_fundusgen.conventions import KINDS
from monai_fundusgen.vessels.graph import SegmentGraph
from monai_fundusgen.vessels.skeleton import EIGHT
from monai_fundusgen.vessels.topology import branches

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
IntArray = NDArray[np.int64]

_END_RADII: Final = 2.0  # a contact this many radii (and 2 px) from the end of a centre line is where the vessel ends


@dataclass(frozen=True)
class Contacts:
    """C places where a vessel of known kind touches undecided pixels.

    Attributes:
        kind: (C,) ARTERY or VEIN.
        rc: (C, 2) middle of the touching pixels.
        course_rc: (C, 2) unit vector along the vessel of known kind, away from the undecided pixels where it ends.
        width_px: (C,) width of that vessel.
        ends: (C,) bool: it ends here; otherwise it passes by, and what is undecided touches its wall.
    """

    kind: IntArray
    rc: FloatArray
    course_rc: FloatArray
    width_px: FloatArray
    ends: BoolArray


def _touching(known: BoolArray, near: BoolArray) -> FloatArray:
    """Middles (C, 2) of the 8-connected pieces of known pixels beside undecided ones."""
    labels, count = ndimage.label(known & near, structure=EIGHT)
    pixels = np.argwhere(labels)
    if not count:
        return np.zeros((0, 2))
    of = labels[pixels[:, 0], pixels[:, 1]]
    size = np.bincount(of)[1:]
    return np.stack([np.bincount(of, weights=axis)[1:] / size for axis in pixels.T], axis=1)


def _ends_by(graph: SegmentGraph, rc: FloatArray) -> tuple[BoolArray, FloatArray, FloatArray]:
    """Whether a free end of the graph lies at each place, and its course (C, 2) and width (C,)."""
    branch = branches(graph)
    free = np.flatnonzero(graph.is_end(branch.node))
    if not len(free):
        return np.zeros(len(rc), bool), np.zeros((len(rc), 2)), np.zeros(len(rc))
    gap, nearest = cKDTree(graph.node_rc[branch.node[free]]).query(rc)
    width = branch.width_px[free][nearest]
    return gap <= _END_RADII * width / 2 + 2, branch.direction_rc[free][nearest], width


def _of_kind(
    known: BoolArray, graph: SegmentGraph, near: BoolArray
) -> tuple[FloatArray, FloatArray, FloatArray, BoolArray]:
    """Places, courses, widths and ends of the contacts of one kind."""
    rc = _touching(known, near)
    if not len(graph.points_rc):
        return rc, np.zeros((len(rc), 2)), np.ones(len(rc)), np.zeros(len(rc), bool)
    ends, course, width = _ends_by(graph, rc)
    _, nearest = cKDTree(graph.points_rc).query(rc)
    normal = graph.normals_rc[nearest]
    along = np.stack([-normal[:, 1], normal[:, 0]], axis=1)
    return (
        rc,
        np.where(ends[:, None], course, along),
        np.maximum(np.where(ends, width, graph.width_px[nearest]), 1.0),
        ends,
    )


def find_contacts(known: BoolArray, graphs: list[SegmentGraph], undecided: BoolArray) -> Contacts:
    """Contacts between vessels of known kind and undecided pixels.

    Args:
        known: (2, H, W) pixels of known arteries and veins.
        graphs: centre lines of both.
        undecided: (H, W).
    """
    near = ndimage.binary_dilation(undecided, EIGHT)
    parts = [_of_kind(plane, graph, near) for plane, graph in zip(known, graphs, strict=True)]
    rc, course, width, ends = (np.concatenate(column) for column in zip(*parts, strict=True))
    kind = np.repeat(np.arange(len(KINDS)), [len(part[0]) for part in parts])
    return Contacts(kind, rc, course, width, ends)
