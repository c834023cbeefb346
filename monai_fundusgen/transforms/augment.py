"""Paired augmentation: one warp for map, photograph and field; one patch for both resolutions.

Each transform draws its parameters from its own ``R`` and then applies them, so the same state gives the same result.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil
from typing import Any

import numpy as np
import torch
from monai.config import KeysCollection
from monai.transforms import MapTransform, Randomizable
from monai.utils import ensure_tuple
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from monai_fundusgen.conventions import IMAGE

_MESH = 65  # nodes along each side of the mesh that the sampling positions are interpolated from
_NODES = 8  # control nodes of the elastic warp along each side


@dataclass(frozen=True)
class Warp:
    """Where output positions lie in the source: ``offset + matrix @ (x, y) + shift``, in half sides from the middle.

    Attributes:
        matrix: (2, 2), acts on (x, y) of the output.
        nodes: (2, n, n), smooth shift in half sides of the source, at nodes over the output.
        offset: (2,), where the output's middle lies.
    """

    matrix: NDArray[np.float64]
    nodes: NDArray[np.float64]
    offset: NDArray[np.float64] = field(default_factory=lambda: np.zeros(2))

    def positions(self, side: int) -> Tensor:
        """Where each of ``side`` x ``side`` output positions lies in the source: (1, side, side, 2) in [-1, 1]."""
        ends = 1 - 1 / side
        axis = torch.linspace(-ends, ends, _MESH)
        y, x = torch.meshgrid(axis, axis, indexing="ij")
        matrix = torch.as_tensor(self.matrix, dtype=torch.float32)
        offset = torch.as_tensor(self.offset, dtype=torch.float32)[:, None, None]
        mesh = torch.einsum("ij,jhw->ihw", matrix, torch.stack([x, y])) + offset
        nodes = torch.as_tensor(self.nodes, dtype=torch.float32)[None]
        if nodes.any():
            mesh = mesh + functional.interpolate(nodes, (_MESH, _MESH), mode="bicubic", align_corners=True)[0]
        dense = functional.interpolate(mesh[None], (side, side), mode="bilinear", align_corners=True)
        return dense.permute(0, 2, 3, 1)

    def moved(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Where points (N, 2) of the source lie in the output: inverse of `positions`, by fixed-point iteration."""
        inverse = np.linalg.inv(self.matrix)
        nodes = torch.as_tensor(self.nodes, dtype=torch.float32)[None]
        ends = 1 - 1 / _MESH  # the mesh's own ends differ from this by less than a pixel of any output
        from_middle = points - self.offset
        found = from_middle @ inverse.T
        for _ in range(4 if nodes.any() else 0):
            at = torch.as_tensor(found / ends, dtype=torch.float32)[None, None]
            shift = functional.grid_sample(nodes, at, "bicubic", "border", align_corners=True)[0, :, 0].T
            found = (from_middle - shift.numpy()) @ inverse.T
        return found


class RandVesselWarpd(Randomizable, MapTransform):
    """Rotate, scale, shear, flip and bend arrays together, from a larger source to the output size, in one sampling.

    The output is sampled at twice its resolution or more and averaged, so a soft vessel map stays an area average: with
    all strengths at zero, and a source side twice, thrice, ... ``size``, the result *is* the area average. Values stay
    in the source's range; what lies outside the source is 0.

    Args:
        keys: arrays (C, S, S), all of one side S; one warp serves them all.
        size: side of the output in px.
        rotate_deg: rotation angle, drawn from -rotate_deg..rotate_deg.
        scale: magnification, drawn from 1 - scale..1 + scale; below 1.
        shear: tangent of the shear angle, drawn from -shear..shear along each axis.
        elastic_px: standard deviation, in output px, of a smooth random shift whose nodes are a seventh of the side
            apart; above a hundredth of the side it may fold the picture.
        flip: probability of a mirror image, for each axis; one number, or one for x and one for y.
        point_keys: points (N, 2), (x, y) in half sides from the middle, that move with the arrays.
    """

    def __init__(
        self,
        keys: KeysCollection,
        size: int,
        *,
        rotate_deg: float = 0.0,
        scale: float = 0.0,
        shear: float = 0.0,
        elastic_px: float = 0.0,
        flip: float | Sequence[float] = 0.0,
        point_keys: KeysCollection = (),
    ) -> None:
        super().__init__(keys)
        self.flip = np.broadcast_to(np.asarray(flip, dtype=np.float64), 2)
        flips = bool((self.flip >= 0).all() and (self.flip <= 1).all())
        if not (0 <= scale < 1 and flips and min(rotate_deg, shear, elastic_px) >= 0 and size > 0):
            raise ValueError(
                f"found size {size}, rotate_deg {rotate_deg}, scale {scale}, shear {shear}, elastic_px {elastic_px}, "
                f"flip {flip}; expected none negative, scale below 1, flip up to 1"
            )
        self.size = size
        self.rotate_deg = rotate_deg
        self.scale = scale
        self.shear = shear
        self.elastic_px = elastic_px
        self.point_keys = ensure_tuple(point_keys)
        self._warp = Warp(np.eye(2), np.zeros((2, _NODES, _NODES)))

    def randomize(self, data: Any = None) -> None:
        """Draw the parameters of the next warp; always the same number of draws."""
        angle = np.deg2rad(self.R.uniform(-1, 1) * self.rotate_deg)
        magnification = 1 + self.R.uniform(-1, 1) * self.scale
        shear_x, shear_y = self.R.uniform(-1, 1, 2) * self.shear
        mirror = np.where(self.R.uniform(0, 1, 2) < self.flip, -1.0, 1.0)
        nodes = self.R.standard_normal((2, _NODES, _NODES)) * (2 * self.elastic_px / self.size)
        rotation = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        self._warp = Warp(rotation @ np.array([[1, shear_x], [shear_y, 1]]) @ np.diag(mirror) / magnification, nodes)

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Return the item with its keys warped, (C, size, size) float32."""
        item = dict(data)
        present = list(self.key_iterator(item))
        self.randomize()
        if not present:
            return item
        stack = torch.cat([_plain(item[key]) for key in present])
        side = stack.shape[-1]
        if stack.shape[-2] != side:
            raise ValueError(f"{present[0]} is {tuple(stack.shape[-2:])}; expected a square, as CropFieldd gives")
        over = max(2, ceil(side / self.size))
        positions = self._warp.positions(over * self.size)
        sampled = functional.grid_sample(stack[None], positions, "bilinear", "zeros", align_corners=False)
        warped = functional.avg_pool2d(sampled, over)[0]
        for key, part in zip(present, warped.split([item[key].shape[0] for key in present]), strict=True):
            item[key] = part
        for key in self.point_keys:
            item[key] = self._warp.moved(np.asarray(item[key], dtype=np.float64))
        return item


def _plain(array: Any) -> Tensor:
    """Float32 tensor without meta data."""
    tensor = torch.as_tensor(array)
    return tensor.as_subclass(Tensor).to(torch.float32)


class RandCropPaird(Randomizable, MapTransform):
    """Cut a square patch of a photograph, turn it, and make its reduced twin: a pair for super-resolution.

    The low-resolution patch is the bicubic, anti-aliased reduction of the very pixels of the high-resolution one (the
    paper's x4 pairs); nothing else is done to it.

    Args:
        keys: the photograph, (C, H, W) with values in [0, 1]; exactly one key.
        patch: side of the high-resolution patch in px, a multiple of ``factor``.
        factor: reduction.
        low_key: key of the low-resolution patch in the result.
        fov_key: field of view of the item: a patch is drawn with its centre inside it; None, or an item without one,
            draws anywhere.
        guide_key: array (C, H, W) of which the same patch is cut, the exact vessel map; None: none.
        turn: False to leave out mirror images and quarter turns.
    """

    def __init__(
        self,
        keys: KeysCollection = IMAGE,
        *,
        patch: int = 192,
        factor: int = 4,
        low_key: str = "low",
        fov_key: str | None = None,
        guide_key: str | None = None,
        turn: bool = True,
    ) -> None:
        super().__init__(keys)
        if len(self.keys) != 1 or factor < 1 or patch < factor or patch % factor:
            raise ValueError(
                f"keys {self.keys}, patch {patch}, factor {factor}; expected one key, patch a multiple of factor"
            )
        self.patch = patch
        self.factor = factor
        self.low_key = low_key
        self.fov_key = fov_key
        self.guide_key = guide_key
        self.turn = turn
        self._corner = (0, 0)
        self._quarters = 0
        self._mirror = False

    def randomize(self, data: Any = None) -> None:
        """Draw corner and turn; ``data`` is (height, width, field of view or None)."""
        height, width, fov = data
        place = self.R.uniform(0, 1, 2)
        limits = np.array([height - self.patch, width - self.patch])
        corner = np.floor(place * (limits + 1))
        if fov is not None:
            inside = np.flatnonzero(fov)
            row, column = divmod(int(inside[int(place[0] * inside.size)]), width)
            corner = np.array([row, column]) - self.patch // 2
        top, left = np.clip(corner, 0, limits).astype(int)
        self._corner = (int(top), int(left))
        self._quarters = int(self.R.randint(4))
        self._mirror = bool(self.R.uniform() < 0.5)

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Return the item with the patch under its key and the reduced patch under ``low_key``."""
        item = dict(data)
        image = _plain(item[self.keys[0]])
        height, width = image.shape[-2:]
        if min(height, width) < self.patch:
            raise ValueError(f"{self.keys[0]} is {height} x {width}; expected at least {self.patch} on each side")
        fov = _plain(item[self.fov_key])[0] > 0.5 if self.fov_key in item else None
        self.randomize((height, width, None if fov is None else fov.numpy()))
        item[self.keys[0]] = self._cut(image)
        item[self.low_key] = reduce_bicubic(item[self.keys[0]], self.factor)
        if self.guide_key is not None:
            item[self.guide_key] = self._cut(_plain(item[self.guide_key]))
        return item

    def _cut(self, array: Tensor) -> Tensor:
        """The drawn patch of (C, H, W), turned as drawn."""
        top, left = self._corner
        patch = array[:, top : top + self.patch, left : left + self.patch]
        if self.turn:
            patch = torch.rot90(patch, self._quarters, (-2, -1))
            patch = patch.flip(-1) if self._mirror else patch
        return patch.contiguous()


def reduce_bicubic(image: Tensor, factor: int) -> Tensor:
    """Bicubic, anti-aliased reduction of (C, H, W) by a whole factor, clamped to [0, 1]."""
    size: Sequence[int] = (image.shape[-2] // factor, image.shape[-1] // factor)
    low = functional.interpolate(image[None], size, mode="bicubic", antialias=True, align_corners=False)
    return low[0].clamp(0, 1)


class ReduceBicubicd(MapTransform):
    """Put the bicubic, anti-aliased reduction of a photograph (C, H, W) in [0, 1] under ``low_key``.

    Args:
        keys: the photograph; exactly one key.
        factor: reduction, a divisor of both sides.
        low_key: key of the small photograph.

    Raises:
        ValueError: more than one key.
    """

    def __init__(self, keys: KeysCollection, factor: int = 4, low_key: str = "low") -> None:
        super().__init__(keys)
        if len(self.keys) != 1:
            raise ValueError(f"keys: found {self.keys}, expected one photograph")
        self.factor = factor
        self.low_key = low_key

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Return the item with the small photograph."""
        image = torch.as_tensor(data[self.keys[0]]).as_subclass(Tensor)
        return {**data, self.low_key: reduce_bicubic(image, self.factor)}
