"""A photograph for a label map of any size, by the data set bundle's cascade."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from monai_fundusgen.data.squared import LabelledEye
from monai_fundusgen.sampling.painted_labels import LabelPainter
from monai_fundusgen.sampling.painters import Painter
from monai_fundusgen.transforms.av_codec import decode_av
from monai_fundusgen.transforms.fov import field_circle, square_crop, square_paste
from monai_fundusgen.transforms.resize import area_resize
from monai_fundusgen.vessels.field import Field

#: Side that the shipped cascade paints.
PAINTED_PX: Final = 1024


def painted_photograph(
    painter: Painter, codes: NDArray[np.uint8], fov: NDArray[np.bool_] | None = None, *, seed: int = 0
) -> NDArray[np.uint8]:
    """A photograph (H, W, 3) that lies on its label map, black outside the field.

    The map is squared round its field and brought to `PAINTED_PX`; what is painted goes back to where it came from.

    Args:
        painter: what paints.
        codes: label map (H, W), 0 to 3.
        fov: field of view (H, W); None: the circle that touches the longer sides.
        seed: of the look.

    Raises:
        ValueError: a code outside 0 to 3, no vessel in the field, or a field of another size.
    """
    vessels = decode_av(codes)
    field = _round_field(*codes.shape) if fov is None else fov
    if field.shape != codes.shape:
        raise ValueError(
            f"label map {codes.shape[1]} x {codes.shape[0]} px, its photograph {field.shape[1]} x {field.shape[0]}; "
            f"expected one size"
        )
    if not (vessels & field).any():
        raise ValueError("label map: no artery and no vein in the field of view; expected codes 1, 2 and 3")
    nothing = np.zeros((3, *codes.shape), np.uint8)
    eye = LabelledEye("label", nothing, vessels, np.zeros_like(field), field)
    painted = LabelPainter(painter, seed=seed)(eye.squared(PAINTED_PX), 0).photograph
    if codes.shape == painted.shape[1:]:
        return np.ascontiguousarray(np.moveaxis(painted, 0, -1))
    circle = field_circle(field)
    side = square_crop(field[None], circle).shape[-1]
    back = square_paste(np.rint(area_resize(painted, side, side)).astype(np.uint8), circle, *codes.shape) * field
    return np.ascontiguousarray(np.moveaxis(back, 0, -1)).astype(np.uint8)


def _round_field(height: int, width: int) -> NDArray[np.bool_]:
    side = max(height, width)
    top, left = (side - height) // 2, (side - width) // 2
    return Field().mask(side)[top : top + height, left : left + width]
