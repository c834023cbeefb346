"""One kind for every stretch of vessel between two junctions: pixels of a stretch vote."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from monai_fundusgen.conventions import ARTERY, VEIN
from monai_fundusgen.transforms.vessel_targets import OUTPUTS
from monai_fundusgen.vessels.skeleton import neighbour_count, thin

_VESSEL = OUTPUTS.index("vessel")
_FLOOR = 1e-3  # added to probabilities before the logarithm, so that no single pixel decides
_AROUND = np.ones((3, 3), dtype=bool)


def stretches(vessel: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Number of the stretch that each vessel pixel of a map (H, W) belongs to, from 1; 0 off vessels.

    Centre lines are cut at their junctions; a pixel belongs to the nearest piece. A vessel that is all junction, a
    blob of a few pixels, belongs to the nearest piece too, or to none where there is none.
    """
    lines = thin(vessel)
    junctions = ndimage.binary_dilation(lines & (neighbour_count(lines) > 2), _AROUND)
    pieces, count = ndimage.label(lines & ~junctions, _AROUND)
    if not count:
        return np.zeros(vessel.shape, dtype=np.int64)
    nearest = ndimage.distance_transform_edt(pieces == 0, return_distances=False, return_indices=True)
    return np.where(vessel, pieces[tuple(nearest)], 0).astype(np.int64)


def vote_kinds(chance: NDArray[np.float32], threshold: float = 0.5) -> NDArray[np.float32]:
    """Probabilities (3, H, W) of artery, vein and vessel whose kinds agree along each stretch.

    The mean log-odds of artery against vein over a stretch decides. Where a pixel said otherwise, its two
    probabilities change places; vessel probabilities, and pixels below the threshold, stay as they are.

    Args:
        chance: artery, vein, vessel, in [0, 1].
        threshold: probability from which a pixel is a vessel.
    """
    number = stretches(chance[_VESSEL] >= threshold)
    odds = np.log(chance[ARTERY] + _FLOOR) - np.log(chance[VEIN] + _FLOOR)
    verdicts = np.asarray(ndimage.mean(odds, number, np.arange(int(number.max()) + 1)))
    against = (number > 0) & (verdicts[number] * odds < 0)
    voted = chance.copy()
    voted[ARTERY][against], voted[VEIN][against] = chance[VEIN][against], chance[ARTERY][against]
    return voted
