"""Where the fovea must lie, seen from the vessels: free of vessels, temporal of the disc at the usual distance."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

#: Distance from disc to fovea in mm, mean and standard deviation (Beijing Eye Study, PMC4577126).
DISTANCE_MM: Final = (4.76, 0.34)
#: Angle of the fovea below the disc in degrees, mean and standard deviation (JKOS 2005; IOVS 2163282).
ANGLE_DEG: Final = (6.0, 3.0)
_BLUR_MM: Final = 0.6
_WEIGHT: Final = 0.006  # of a squared deviation from the usual place, against the share of vessel


def fovea_rc(vessel: NDArray[np.floating], disc_rc: tuple[float, float], mm_per_px: float) -> tuple[float, float]:
    """Row and column of the fovea; NaN where the disc is not known.

    The point with the least vessel round it and the most usual place. The temporal side is taken to be that of the
    image's middle, as in macula-centred photographs. On 30 phantoms of 60 degrees at 256 px the point lies 0.27 mm from
    the fovea (median; 0.62 mm at the 90th percentile).

    Args:
        vessel: vessel map of both kinds (S, S), soft in [0, 1] or bool.
        disc_rc: row and column of the disc (`vessels.convergence.convergence_rc`).
        mm_per_px: length of a pixel on the retina.
    """
    if not np.isfinite(disc_rc).all():
        return float("nan"), float("nan")
    side = vessel.shape[-1]
    crowd = gaussian_filter(vessel.astype(np.float64), _BLUR_MM / mm_per_px)
    rows, columns = np.mgrid[:side, :side]
    temporal = 1 if disc_rc[1] < (side - 1) / 2 else -1
    across = temporal * (columns - disc_rc[1]) * mm_per_px
    down = (rows - disc_rc[0]) * mm_per_px
    far = (np.hypot(across, down) - DISTANCE_MM[0]) / DISTANCE_MM[1]
    turned = (np.rad2deg(np.arctan2(down, across)) - ANGLE_DEG[0]) / ANGLE_DEG[1]
    cost = np.where(across > 0, crowd + _WEIGHT * (far**2 + turned**2), np.inf)
    row, column = np.unravel_index(np.argmin(cost), cost.shape)
    return float(row), float(column)
