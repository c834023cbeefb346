"""Dictionary transforms that bring every item to one geometry and one value range."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
import torch
from monai.config import KeysCollection
from monai.data import MetaTensor
from monai.transforms import MapTransform
from torch import Tensor
from torch.nn import functional

from monai_fundusgen.conventions import FOV, NETWORK_RANGE
from monai_fundusgen.transforms.fov import Circle, field_circle, square_crop
from monai_fundusgen.transforms.resize import area_resize


def _like(pixels: np.ndarray[Any, Any], source: Any) -> Tensor:
    """Tensor of ``pixels`` in the type of ``source`` (bool becomes float), with its meta data if it has any."""
    tensor = torch.from_numpy(np.ascontiguousarray(pixels))
    if torch.as_tensor(source).dtype == torch.uint8:
        tensor = tensor.round_().clamp_(0, 255).to(torch.uint8)
    return MetaTensor(tensor, meta=source.meta) if isinstance(source, MetaTensor) else tensor


def _array(tensor: Any) -> np.ndarray[Any, Any]:
    if isinstance(tensor, Tensor):
        return tensor.as_tensor().cpu().numpy() if isinstance(tensor, MetaTensor) else tensor.cpu().numpy()
    return np.asarray(tensor)


def _field(item: Mapping[Hashable, Any], fov_key: str) -> np.ndarray[Any, Any]:
    """The field of view of an item."""
    if fov_key not in item:
        raise KeyError(f"no field of view under {fov_key!r}; put LoadFundusd first, with it among its keys")
    return _array(item[fov_key])


def _circle(fov: np.ndarray[Any, Any]) -> Circle:
    """The circle of a field of view (1, H, W), of any type."""
    return field_circle(fov.reshape(fov.shape[-2:]) > 0.5 * float(fov.max()))


class CropFieldd(MapTransform):
    """Crop an item to the square round its field of view, and average it down to one size.

    The field circle comes to lie where this package always has it: centred, its radius `FIELD_FILL` of half the side.
    Photographs, labels and masks are averaged over the area of each pixel, so a label becomes a soft map in [0, 1];
    never threshold it, or the thin vessels vanish. Types stay, but that bool becomes float.

    Args:
        keys: arrays (C, H, W) to square; all of one size.
        size: side of the result in px, or None for the square crop alone, at its own size and without averaging.
        fov_key: the field of view that the circle is fitted to, (1, H, W); it need not be among ``keys``.
        allow_missing_keys: leave out keys that an item lacks.

    Raises (when called):
        KeyError: no field of view in the item.
        ValueError: the field of view is empty, or an array has another size than it.
    """

    def __init__(
        self, keys: KeysCollection, size: int | None, *, fov_key: str = FOV, allow_missing_keys: bool = False
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        if size is not None and size < 1:
            raise ValueError(f"size {size}; expected a positive number of pixels, or None")
        self.size = size
        self.fov_key = fov_key

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Return the item, squared."""
        item = dict(data)
        fov = _field(item, self.fov_key)
        circle = _circle(fov)
        for key in self.key_iterator(item):
            source = _array(data[key])
            if source.shape[-2:] != fov.shape[-2:]:
                raise ValueError(f"{key} is {source.shape[-2:]}, its field of view {fov.shape[-2:]}; expected one size")
            square = square_crop(source, circle)
            if self.size is not None:
                square = area_resize(square, self.size, self.size)
            item[key] = _like(square.astype(np.float32) if square.dtype == np.bool_ else square, data[key])
        return item


class ScaleFieldd(MapTransform):
    """Resize an item so that its field of view is so many pixels wide; nothing is cropped.

    The same retina then has the same size in pixels, whatever the camera's sensor. Arrays that shrink are averaged over
    the area of each pixel, so labels become soft.

    Args:
        keys: arrays (C, H, W), all of one size.
        field_px: diameter of the field circle in the result; None leaves everything as it is.
        fov_key: the field of view, (1, H, W).
        size_key: key of the result that holds height and width before, int64 (2,), for `RestoreSized`.
        allow_missing_keys: leave out keys that an item lacks.

    Raises (when called):
        KeyError: no field of view in the item.
    """

    def __init__(
        self,
        keys: KeysCollection,
        field_px: float | None,
        *,
        fov_key: str = FOV,
        size_key: str = "size",
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        if field_px is not None and field_px < 1:
            raise ValueError(f"field_px {field_px}; expected a positive number of pixels, or None")
        self.field_px = field_px
        self.fov_key = fov_key
        self.size_key = size_key

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Return the item, resized."""
        item = dict(data)
        fov = _field(item, self.fov_key)
        item[self.size_key] = torch.tensor(fov.shape[-2:])
        if self.field_px is None:
            return item
        scale = self.field_px / (2 * _circle(fov).radius)
        height, width = (max(round(side * scale), 1) for side in fov.shape[-2:])
        for key in self.key_iterator(item):
            source = _array(data[key])
            plain = source.astype(np.float32) if source.dtype == np.bool_ else source
            item[key] = _like(area_resize(plain, height, width), data[key])
        return item


class RestoreSized(MapTransform):
    """Resize maps (C, h, w) back to the size that `ScaleFieldd` noted, bilinearly; the result is float32.

    Args:
        keys: soft maps.
        size_key: where height and width are.
    """

    def __init__(self, keys: KeysCollection, *, size_key: str = "size") -> None:
        super().__init__(keys)
        self.size_key = size_key

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Return the item with its maps at the old size."""
        item = dict(data)
        height, width = (int(side) for side in torch.as_tensor(item[self.size_key]).flatten())
        for key in self.key_iterator(item):
            map_ = torch.as_tensor(item[key]).as_subclass(Tensor).float()
            if tuple(map_.shape[-2:]) != (height, width):
                map_ = functional.interpolate(map_[None], (height, width), mode="bilinear")[0]
            item[key] = map_
        return item


def to_network_range(unit: Tensor) -> Tensor:
    """Values of [0, 1] in `NETWORK_RANGE`."""
    low, high = NETWORK_RANGE
    return unit * (high - low) + low
