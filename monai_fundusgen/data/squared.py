"""Photographs and labels of a list, each squared round its field of view and brought to one size."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray

from monai_fundusgen.conventions import FOV, IMAGE, LABEL, UNCERTAIN
from monai_fundusgen.data.items import with_ids
from monai_fundusgen.data.loading import LoadFundusd
from monai_fundusgen.transforms.fov import field_circle, square_crop
from monai_fundusgen.transforms.resize import area_resize, resize_masks

_KEYS: Final = (IMAGE, LABEL, UNCERTAIN, FOV)
_AS_IT_IS: Final = 0.01  # a square picture whose field's own square is nearly as large is not resampled


@dataclass(frozen=True)
class LabelledEye:
    """A photograph with its label, before or after it was squared.

    Attributes:
        id: its name.
        photograph: (3, H, W) uint8.
        label: artery and vein (2, H, W), bool.
        uncertain: vessel of unknown kind (H, W), bool.
        fov: field of view (H, W), bool.
    """

    id: str
    photograph: NDArray[np.uint8]
    label: NDArray[np.bool_]
    uncertain: NDArray[np.bool_]
    fov: NDArray[np.bool_]

    def squared(self, size: int) -> LabelledEye:
        """The eye in the square round its field circle, at ``size`` px.

        A picture that is that square already stays as it is. The photograph is averaged over the area of each pixel;
        of each kind as many pixels are set as the averaged label has area, so that thin vessels stay.
        """
        circle = field_circle(self.fov)
        square = square_crop(self.photograph, circle)
        height, width = self.fov.shape
        if height == width == size and abs(square.shape[-1] - size) <= _AS_IT_IS * size:
            return self
        planes = square_crop(np.concatenate([self.label, self.uncertain[None]]).astype(np.bool_), circle)
        small = resize_masks(planes.astype(np.bool_), size)
        fov = area_resize(square_crop(self.fov[None], circle), size, size)[0] >= 0.5
        photograph = np.rint(area_resize(square, size, size)).astype(np.uint8)
        return LabelledEye(self.id, photograph, small[:2], small[2] & ~small[:2].any(axis=0), fov)


class LabelledEyes(Sequence[LabelledEye]):
    """Eyes of a list in its order, read anew each time they are asked for.

    Args:
        items: as `load_datalist` gives them, each with a label.

    Raises:
        ValueError: two items of one name.
    """

    def __init__(self, items: Sequence[Mapping[str, Any]]) -> None:
        self.items: Sequence[dict[Any, Any]] = with_ids(items)
        self._load = LoadFundusd(_KEYS, image_dtype=torch.uint8)

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, place: int) -> LabelledEye:  # type: ignore[override]  # one at a time
        """Read one eye at its own size.

        Raises:
            OSError, ValueError: a file that cannot be read, or sizes that differ; it is named.
        """
        item = self._load(self.items[place])
        image, label, uncertain, fov = (np.asarray(item[key]) for key in _KEYS)
        return LabelledEye(str(item["id"]), image.astype(np.uint8), label > 0.5, uncertain[0] > 0.5, fov[0] > 0.5)
