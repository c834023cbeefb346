"""Errors of a vessel map against the map that it should be: topology, beside the Dice of centre lines."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monai_fundusgen.metrics.functional.segmentation import centre_line_counts
from monai_fundusgen.vessels.topology import betti_numbers

BoolArray = NDArray[np.bool_]


@dataclass(frozen=True)
class PairedErrors:
    """How far a map lies from its pair.

    Attributes:
        cl_dice: Dice of centre lines, 1 at best; NaN where either map has no vessel.
        pieces_error: absolute difference of the numbers of 8-connected pieces (Betti-0).
        loops_error: absolute difference of the numbers of holes (Betti-1).
    """

    cl_dice: float
    pieces_error: int
    loops_error: int


def paired_errors(found: BoolArray, target: BoolArray, fov: BoolArray | None = None) -> PairedErrors:
    """Errors of a map (H, W) of one kind against its pair, inside the field.

    Raises:
        ValueError: sizes differ.

    Source: Shit et al. 2021 (arXiv:2003.07311) for the Dice of centre lines.
    """
    if found.shape != target.shape or (fov is not None and fov.shape != found.shape):
        raise ValueError(f"paired_errors: found maps {found.shape} and {target.shape}, expected one size")
    if fov is not None:
        found, target = found & fov, target & fov
    (pieces, loops), (true_pieces, true_loops) = betti_numbers(found), betti_numbers(target)
    return PairedErrors(centre_line_counts(found, target).cl_dice(), abs(pieces - true_pieces), abs(loops - true_loops))
