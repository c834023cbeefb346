"""How sure a network is of the vessels that it found."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_EDGE = 1e-6  # keeps the logarithm finite


def label_confidence(chance: NDArray[np.floating], threshold: float = 0.5) -> float:
    """One minus the mean entropy, in bits, of artery and of vein over the pixels found as vessel.

    1 where every such pixel is certainly of a kind, or certainly a crossing; 0 where nothing is known, or no vessel was
    found. The lower, the sooner a person should look.

    Args:
        chance: artery, vein and vessel (3, H, W), in [0, 1].
        threshold: probability from which a pixel is a vessel.

    Raises:
        ValueError: not three planes.

    Source: entropy as a measure of uncertainty for active learning, Settles 2009, section 3.1.
    """
    if chance.ndim != 3 or chance.shape[0] != 3:
        raise ValueError(f"label_confidence: found {chance.shape}, expected artery, vein and vessel (3, H, W)")
    kinds = np.clip(chance[:2, chance[2] >= threshold].astype(np.float64), _EDGE, 1 - _EDGE)
    if not kinds.size:
        return 0.0
    entropy = -(kinds * np.log2(kinds) + (1 - kinds) * np.log2(1 - kinds))
    return float(1 - entropy.mean())
