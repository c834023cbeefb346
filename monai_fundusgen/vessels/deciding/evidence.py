"""How likely each undecided stretch is an artery: what is known flows along the links, colour adds to it."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from monai_fundusgen.conventions import ARTERY
from monai_fundusgen.vessels.deciding.links import Link

FloatArray = NDArray[np.float64]

_LEAK: Final = 0.01  # pull of every stretch towards not knowing


def artery_shares(links: list[Link], num_stretches: int, colour: FloatArray | None = None) -> FloatArray:
    """Share of artery (S,) in [0, 1] of every stretch; 0.5 is not known.

    The harmonic function on the network of links that is 1 at arteries and 0 at veins: the probability that a walk from
    the stretch, choosing links by weight, first meets an artery. Every stretch also leaks a little to one half, so
    that what lies far from everything known stays near it.

    Args:
        links: see `vessels.deciding.links.find_links`.
        num_stretches: S.
        colour: (S,) probability of artery by colour, in (0, 1); a stretch without links has just that share.

    Source: random walks for segmentation, Grady 2006 (IEEE TPAMI 28:1768).
    """
    matrix = np.eye(num_stretches) * _LEAK
    right = np.full(num_stretches, _LEAK / 2)
    for link in links:
        a, b = link.first, link.second
        for one, other in ((a, b), (b, a)):
            if one.stretch < 0:
                continue
            matrix[one.stretch, one.stretch] += link.weight
            if other.stretch >= 0:
                matrix[one.stretch, other.stretch] -= link.weight
            else:
                right[one.stretch] += link.weight * (other.kind == ARTERY)
    if colour is not None:
        sure = np.abs(2 * colour - 1)
        weight = _LEAK * sure / (1 - sure)
        matrix[np.diag_indices(num_stretches)] += weight
        right += np.where(colour > 0.5, weight, 0.0)
    return np.clip(np.linalg.solve(matrix, right), 0.0, 1.0) if num_stretches else right
