"""Where the patient is in a CT volume."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from monai_fundusgen.data.ct_volume import CTVolume

_SKIN_HU: Final = -300  # between air and fat
_COARSE_MM: Final = 4.0  # the grid that is searched
_MARGIN_MM: Final = 5.0


def body_box(volume: CTVolume) -> tuple[slice, slice, slice]:
    """Box of indices round the body, with 5 mm to spare in the plane of the slices.

    The body is the largest piece above -300 HU after an opening, which takes the table off.

    Raises:
        ValueError: nothing but air.
    """
    steps = [max(1, round(_COARSE_MM / side)) for side in volume.spacing_mm]
    dense = volume.hu[tuple(slice(None, None, step) for step in steps)] > _SKIN_HU
    if not dense.any():
        raise ValueError(f"nothing above {_SKIN_HU} HU: no body in it, air alone")
    found = ndimage.find_objects(_largest(dense))[0]
    box = []
    for axis, (part, step, side) in enumerate(zip(found, steps, volume.spacing_mm, strict=True)):
        spare = 0 if axis == 2 else int(np.ceil(_MARGIN_MM / side)) + step
        box.append(slice(max(part.start * step - spare, 0), min(part.stop * step + spare, volume.hu.shape[axis])))
    return box[0], box[1], box[2]


def _largest(mask: NDArray[np.bool_]) -> NDArray[np.int32]:
    """1 in the largest connected piece, opened in the plane of the slices where something is left then."""
    cross = ndimage.generate_binary_structure(3, 1)
    cross[:, :, [0, 2]] = False
    opened = ndimage.binary_opening(mask, cross)
    labels, _ = ndimage.label(opened if opened.any() else mask)
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    largest: NDArray[np.int32] = (labels == sizes.argmax()).astype(np.int32)
    return largest
