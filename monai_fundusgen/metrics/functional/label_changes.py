"""What a person changed in a label map: pixels, and whole branches whose kind was turned."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monai_fundusgen.conventions import ARTERY, ARTERY_CODE, CROSSING_CODE, VEIN, VEIN_CODE
from monai_fundusgen.vessels.graph import vessel_graph

BoolArray = NDArray[np.bool_]
Codes = NDArray[np.uint8]


@dataclass(frozen=True)
class LabelChanges:
    """Differences of two label maps of one photograph.

    Attributes:
        added_px: background before, vessel now.
        removed_px: vessel before, background now.
        changed_kind_px: vessel in both, of another code; crossings made and unmade are among them.
        flipped_branches: branches of the map before, of which more than half is of the other kind now.
    """

    added_px: int
    removed_px: int
    changed_kind_px: int
    flipped_branches: int

    @property
    def any(self) -> bool:
        """Whether a single pixel differs."""
        return bool(self.added_px or self.removed_px or self.changed_kind_px)


def label_changes(before: Codes, after: Codes) -> LabelChanges:
    """What differs between two label maps (H, W) of codes 0 background, 1 artery, 2 vein, 3 crossing.

    A branch is a stretch of the vessel graph of one kind between two bifurcations or ends, so a vessel that crosses one
    of the other kind stays whole. It is flipped where more than half of its centre line, junctions apart, is of the
    other kind alone in the map after. What is shorter than it is wide is no branch.

    Raises:
        ValueError: maps of two sizes, that are not (H, W), or with a code outside 0..3.
    """
    if before.ndim != 2 or before.shape != after.shape:
        raise ValueError(
            f"label_changes: found maps {before.shape} and {after.shape}, expected two of one size (H, W); bring both "
            f"to the size of the photograph"
        )
    was, now = _planes(before), _planes(after)
    vessel_before, vessel_now = was.any(axis=0), now.any(axis=0)
    changed = vessel_before & vessel_now & (before != after)
    flips = sum(_flipped(was[kind], now[kind], now[1 - kind]) for kind in (ARTERY, VEIN)) if changed.any() else 0
    return LabelChanges(
        added_px=int((vessel_now & ~vessel_before).sum()),
        removed_px=int((vessel_before & ~vessel_now).sum()),
        changed_kind_px=int(changed.sum()),
        flipped_branches=flips,
    )


def _planes(codes: Codes) -> BoolArray:
    """Artery and vein (2, H, W)."""
    if codes.size and not 0 <= codes.min() <= codes.max() <= CROSSING_CODE:
        raise ValueError(
            f"label_changes: found codes from {codes.min()} to {codes.max()}, expected label codes 0 background, "
            f"1 artery, 2 vein, 3 crossing"
        )
    return np.stack([(codes & ARTERY_CODE) != 0, (codes & VEIN_CODE) != 0])


def _flipped(plane: BoolArray, kept: BoolArray, other: BoolArray) -> int:
    """Branches of a plane (H, W) of which more than half is of the other kind, and no longer of its own."""
    turned = plane & other & ~kept
    if not turned.any():
        return 0
    graph = vessel_graph(plane)
    rows, columns = np.rint(graph.points_rc).astype(np.int64).T
    branch = np.repeat(np.arange(graph.num_segments), np.diff(graph.offsets))
    counted = graph.clear & plane[rows, columns]  # a smoothed line may cut a corner outside a thin vessel
    points = np.bincount(branch[counted], minlength=graph.num_segments)
    flipped = np.bincount(branch[counted & turned[rows, columns]], minlength=graph.num_segments)
    long_enough = graph.lengths_px > np.nan_to_num(graph.segment_widths_px())
    return int((long_enough & (2 * flipped > points)).sum())
