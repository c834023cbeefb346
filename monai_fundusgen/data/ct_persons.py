"""Which CT volumes show the same person, so that no person is trained on and tested with.

Headers tell it where they hold a patient's identity. Files without one (NIfTI, anonymised DICOM) are compared: two
volumes with a slice in common, at the same place in the scanner, are of one scan, cut or resampled.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from monai_fundusgen.data.ct_volume import CTVolume

_COARSE_MM: Final = 4.0
_TISSUE_HU: Final = (-200, 300)  # what tells persons apart
_ENOUGH: Final = 150  # pixels of an overlap, at 4 mm
_ALIKE: Final = 0.97  # correlation of a slice with itself, resampled


@dataclass(frozen=True)
class Trace:
    """A copy of a volume to compare others with: coarse slices (X, Y, Z) in [0, 1], and their affine."""

    slices: NDArray[np.float32]
    affine: NDArray[np.float64]

    def box_mm(self) -> NDArray[np.float64]:
        """Lowest and highest x and y (2, 2) in mm."""
        ends = self.affine @ np.array([[0, 0, 0, 1], [*(np.array(self.slices.shape) - 1), 1]], dtype=np.float64).T
        return np.sort(ends[:2].T, axis=0)

    def within(self, low: NDArray[np.float64], high: NDArray[np.float64]) -> NDArray[np.float64]:
        """Every slice (Z, N) on a grid of 4 mm in a box of x and y, of mean 0 and length 1."""
        axes = [np.arange(low[axis], high[axis], _COARSE_MM) for axis in (0, 1)]
        index = [(axes[axis] - self.affine[axis, 3]) / self.affine[axis, axis] for axis in (0, 1)]
        grid = np.array(np.meshgrid(*index, indexing="ij")).reshape(2, -1)
        planes = np.moveaxis(self.slices, 2, 0).astype(np.float64)
        rows = np.stack([ndimage.map_coordinates(plane, grid, order=1, mode="nearest") for plane in planes])
        rows -= rows.mean(axis=1, keepdims=True)
        length = np.linalg.norm(rows, axis=1, keepdims=True)
        found: NDArray[np.float64] = rows / np.where(length > 0, length, np.inf)
        return found


def trace_of(volume: CTVolume) -> Trace:
    """A copy of an upright volume with pixels of about 4 mm, averaged down; all slices are kept."""
    steps = np.array([max(1, round(_COARSE_MM / side)) for side in volume.spacing_mm[:2]])
    low, high = _TISSUE_HU
    tissue = (np.clip(volume.hu.astype(np.float32), low, high) - low) / (high - low)
    smooth = ndimage.uniform_filter(tissue, (*steps, 1))
    affine = volume.affine.copy()
    affine[:3, :2] = affine[:3, :2] * steps
    return Trace(np.ascontiguousarray(smooth[:: steps[0], :: steps[1]]), affine)


def likeness(one: Trace, other: Trace) -> float:
    """Largest correlation of a slice with one of the other volume at the same x and y; 0 where they do not overlap.

    Heights are not compared: files that were cut out of a scan do not always keep theirs.
    """
    boxes = one.box_mm(), other.box_mm()
    low, high = np.maximum(boxes[0][0], boxes[1][0]), np.minimum(boxes[0][1], boxes[1][1])
    if (high <= low).any() or np.prod((high - low) / _COARSE_MM) < _ENOUGH:
        return 0.0
    return float((one.within(low, high) @ other.within(low, high).T).max())


def same_scan(one: Trace, other: Trace) -> bool:
    """Whether two volumes share a slice."""
    return likeness(one, other) > _ALIKE


def persons(identities: Sequence[str], traces: Sequence[Trace]) -> list[int]:
    """Number of each volume's person, from 0 in the order of the volumes.

    Args:
        identities: what the header says, or an empty text.
        traces: one for each volume.
    """
    found: list[int] = []
    for place, (identity, trace) in enumerate(zip(identities, traces, strict=True)):
        same = {
            found[earlier]
            for earlier in range(place)
            if (identity and identity == identities[earlier]) or same_scan(trace, traces[earlier])
        }
        number = min(same, default=max(found, default=-1) + 1)
        found = [number if person in same else person for person in found]
        found.append(number)
    ranks = {person: rank for rank, person in enumerate(dict.fromkeys(found))}
    return [ranks[person] for person in found]
