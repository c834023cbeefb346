"""Undecided pieces of a label, each in a window of its own with the known vessels round it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from monai_fundusgen.conventions import KINDS
from monai_fundusgen.vessels.deciding.contacts import Contacts, find_contacts
from monai_fundusgen.vessels.deciding.stretches import Undecided, crossing_place, undecided_vessels
from monai_fundusgen.vessels.graph import SegmentGraph, vessel_graph
from monai_fundusgen.vessels.skeleton import EIGHT

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

_MARGIN: Final = 0.02  # of a window round its piece, over the longer side of the label
_COMPACT: Final = 5.0  # extent of a piece over its largest inscribed diameter, at most, to be taken for a crossing
_LEAST_PX: Final = 32  # of that margin


@dataclass(frozen=True)
class Piece:
    """One connected piece of undecided pixels.

    Attributes:
        box: rows and columns of its window.
        undecided: (h, w) its pixels in the window.
        graphs: centre lines of the known arteries and veins in the window.
        vessels: its places, stretches and arms, in pixels of the window.
    """

    box: tuple[slice, slice]
    undecided: BoolArray
    graphs: list[SegmentGraph]
    vessels: Undecided

    @property
    def corner_rc(self) -> FloatArray:
        """Row and column of the window's first pixel in the label."""
        return np.array([side.start for side in self.box], dtype=np.float64)


def _vessels_of(piece: BoolArray, contacts: Contacts) -> Undecided:
    """Places, stretches and arms of a piece; a compact one that two vessels of each kind reach is one place."""
    rows, columns = np.nonzero(piece)
    depth = float(ndimage.distance_transform_edt(piece[_around(rows), _around(columns)]).max())
    extent = np.hypot(np.ptp(rows) + 1, np.ptp(columns) + 1)
    reached = np.bincount(contacts.kind, minlength=len(KINDS))
    if (reached >= 2).all() and extent <= _COMPACT * 2 * depth:
        return crossing_place(np.array([rows.mean(), columns.mean()]), depth, contacts)
    return undecided_vessels(vessel_graph(piece), contacts)


def _around(indices: NDArray[np.int64]) -> slice:
    """From one before the first to one behind the last."""
    return slice(max(int(indices.min()) - 1, 0), int(indices.max()) + 2)


def find_pieces(vessels: BoolArray, undecided: BoolArray) -> list[Piece]:
    """Pieces of undecided pixels (H, W) of a vessel map (2, H, W)."""
    labels, _ = ndimage.label(undecided, structure=EIGHT)
    margin = max(_LEAST_PX, round(_MARGIN * max(undecided.shape)))
    known = vessels & ~undecided
    found = []
    for number, box in enumerate(ndimage.find_objects(labels), start=1):
        rows, columns = (slice(max(side.start - margin, 0), side.stop + margin) for side in box)
        piece = labels[rows, columns] == number
        around = known[:, rows, columns]
        graphs = [vessel_graph(plane) for plane in around]
        contacts = find_contacts(around, graphs, piece)
        found.append(Piece((rows, columns), piece, graphs, _vessels_of(piece, contacts)))
    return found
