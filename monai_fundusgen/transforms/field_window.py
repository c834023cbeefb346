"""A random window on a photograph of the whole field, at a random scale: what another camera would have seen."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from math import ceil, log
from typing import Any

import numpy as np
import torch
from monai.config import KeysCollection
from monai.transforms import MapTransform, Randomizable
from torch import Tensor
from torch.nn import functional

from monai_fundusgen.transforms.augment import Warp

_NODES = 8  # control nodes of the elastic warp along each side
_WANDER = 0.2  # half sides by which the middle of a window that holds the whole field may lie off


class RandFieldWindowd(Randomizable, MapTransform):
    """Turn, mirror, bend and scale arrays of a squared field together, and cut a square window, in one sampling.

    Vessels of a 30 degree camera are twice as wide in pixels as those of 60: the scale stands for cameras never seen.

    Args:
        keys: arrays (C, S, S), uint8 or float, of one side S; one window serves them all.
        size: side of the window in px.
        field_size: side of the whole field in px at scale 1; the source may be larger, so that a high scale has detail.
        scale: lowest and highest scale; drawn with an even logarithm.
        rotate_deg: rotation angle, drawn from -rotate_deg..rotate_deg.
        shear: tangent of the shear angle, drawn from -shear..shear along each axis.
        elastic_px: standard deviation, in px of the window, of a smooth random shift with seven cells a side.
        flip: probability of a mirror image, for each axis.
    """

    def __init__(
        self,
        keys: KeysCollection,
        size: int,
        *,
        field_size: int = 1024,
        scale: Sequence[float] = (0.6, 2.0),
        rotate_deg: float = 25.0,
        shear: float = 0.05,
        elastic_px: float = 3.0,
        flip: float = 0.5,
    ) -> None:
        super().__init__(keys)
        low, high = scale
        if not (0 < low <= high and size > 0 and field_size > 0 and 0 <= flip <= 1):
            raise ValueError(
                f"size {size}, field_size {field_size}, scale {tuple(scale)}, flip {flip}; expected positive sizes, "
                f"0 < lowest scale <= highest, flip up to 1"
            )
        self.size, self.field_size, self.scale = size, field_size, (float(low), float(high))
        self.rotate_deg, self.shear, self.elastic_px, self.flip = rotate_deg, shear, elastic_px, flip
        self._warp = Warp(np.eye(2), np.zeros((2, _NODES, _NODES)))

    def randomize(self, data: Any = None) -> None:
        """Draw the next window; always the same number of draws."""
        magnification = float(np.exp(self.R.uniform(log(self.scale[0]), log(self.scale[1]))))
        angle = np.deg2rad(self.R.uniform(-1, 1) * self.rotate_deg)
        shear_x, shear_y = self.R.uniform(-1, 1, 2) * self.shear
        mirror = np.where(self.R.uniform(0, 1, 2) < self.flip, -1.0, 1.0)
        half = self.size / (self.field_size * magnification)  # of the window, in half sides of the source
        offset = self.R.uniform(-1, 1, 2) * max(1 - half, _WANDER)
        nodes = self.R.standard_normal((2, _NODES, _NODES)) * (2 * self.elastic_px / self.size) * half
        rotation = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        matrix = rotation @ np.array([[1, shear_x], [shear_y, 1]]) @ np.diag(mirror) * half
        self._warp = Warp(matrix, nodes, offset)

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Return the item with its keys cut, (C, size, size) float32; bytes become shares of 255."""
        item = dict(data)
        self.randomize()
        present = list(self.key_iterator(item))
        stack = torch.cat([_unit(item[key]) for key in present])
        side = stack.shape[-1]
        if stack.shape[-2] != side:
            raise ValueError(f"{present[0]} is {tuple(stack.shape[-2:])}; expected a square, as CropFieldd gives")
        step = float(np.sqrt(abs(np.linalg.det(self._warp.matrix)))) * side / self.size
        over = max(1, ceil(step - 0.5))
        sampled = functional.grid_sample(
            stack[None], self._warp.positions(over * self.size), "bilinear", "zeros", align_corners=False
        )
        window = functional.avg_pool2d(sampled, over)[0]
        for key, part in zip(present, window.split([item[key].shape[0] for key in present]), strict=True):
            item[key] = part
        return item


def _unit(array: Any) -> Tensor:
    """Float32 tensor without meta data, bytes as shares of 255."""
    tensor = torch.as_tensor(array).as_subclass(Tensor)
    return tensor.float().div_(255) if tensor.dtype == torch.uint8 else tensor.float()
