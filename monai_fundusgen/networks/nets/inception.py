"""Inception v3 as the Frechet inception distance uses it: the network of 2015, whose pools and resizing differ."""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

#: Side in px that photographs are brought to.
SIDE: Final = 299
#: Width of the features.
WIDTH: Final = 2048

Kernel = tuple[int, int]
#: A convolution: name, channels, kernel (rows, columns), stride.
Layer = tuple[str, int, Kernel, int]
#: Convolutions one after another; a last entry of two layers is run side by side.
Chain = tuple["Layer | tuple[Layer, Layer]", ...]

_ONE: Final = (1, 1)
_THREE: Final = (3, 3)
_ROW: Final = (1, 7)
_COLUMN: Final = (7, 1)


def _pooled(width: int) -> Chain:
    return (("branch_pool", width, _ONE, 1),)


def _block_a(pooled: int) -> tuple[Chain, ...]:
    return (
        (("branch1x1", 64, _ONE, 1),),
        (("branch5x5_1", 48, _ONE, 1), ("branch5x5_2", 64, (5, 5), 1)),
        (("branch3x3dbl_1", 64, _ONE, 1), ("branch3x3dbl_2", 96, _THREE, 1), ("branch3x3dbl_3", 96, _THREE, 1)),
        _pooled(pooled),
    )


def _block_c(inner: int) -> tuple[Chain, ...]:
    double = zip(range(2, 6), (inner, inner, inner, 192), (_COLUMN, _ROW, _COLUMN, _ROW), strict=True)
    return (
        (("branch1x1", 192, _ONE, 1),),
        (("branch7x7_1", inner, _ONE, 1), ("branch7x7_2", inner, _ROW, 1), ("branch7x7_3", 192, _COLUMN, 1)),
        (("branch7x7dbl_1", inner, _ONE, 1), *((f"branch7x7dbl_{i}", width, shape, 1) for i, width, shape in double)),
        _pooled(192),
    )


_BLOCK_B: Final[tuple[Chain, ...]] = (
    (("branch3x3", 384, _THREE, 2),),
    (("branch3x3dbl_1", 64, _ONE, 1), ("branch3x3dbl_2", 96, _THREE, 1), ("branch3x3dbl_3", 96, _THREE, 2)),
    (),
)
_BLOCK_D: Final[tuple[Chain, ...]] = (
    (("branch3x3_1", 192, _ONE, 1), ("branch3x3_2", 320, _THREE, 2)),
    (("branch7x7x3_1", 192, _ONE, 1), ("branch7x7x3_2", 192, _ROW, 1), ("branch7x7x3_3", 192, _COLUMN, 1),
     ("branch7x7x3_4", 192, _THREE, 2)),
    (),
)  # fmt: skip
_BLOCK_E: Final[tuple[Chain, ...]] = (
    (("branch1x1", 320, _ONE, 1),),
    (("branch3x3_1", 384, _ONE, 1), (("branch3x3_2a", 384, (1, 3), 1), ("branch3x3_2b", 384, (3, 1), 1))),
    (("branch3x3dbl_1", 448, _ONE, 1), ("branch3x3dbl_2", 384, _THREE, 1),
     (("branch3x3dbl_3a", 384, (1, 3), 1), ("branch3x3dbl_3b", 384, (3, 1), 1))),
    _pooled(192),
)  # fmt: skip
#: Blocks by name: channels that come in, chains, how the last chain pools.
_BLOCKS: Final[dict[str, tuple[int, tuple[Chain, ...], str]]] = {
    "Mixed_5b": (192, _block_a(32), "mean"),
    "Mixed_5c": (256, _block_a(64), "mean"),
    "Mixed_5d": (288, _block_a(64), "mean"),
    "Mixed_6a": (288, _BLOCK_B, "stride"),
    "Mixed_6b": (768, _block_c(128), "mean"),
    "Mixed_6c": (768, _block_c(160), "mean"),
    "Mixed_6d": (768, _block_c(160), "mean"),
    "Mixed_6e": (768, _block_c(192), "mean"),
    "Mixed_7a": (768, _BLOCK_D, "stride"),
    "Mixed_7b": (1280, _BLOCK_E, "mean"),
    "Mixed_7c": (2048, _BLOCK_E, "max"),
}


class _Convolution(nn.Module):
    """Convolution, normalisation, ReLU."""

    def __init__(self, narrow: int, wide: int, kernel: Kernel, stride: int, padding: Kernel = (0, 0)) -> None:
        super().__init__()
        self.conv = nn.Conv2d(narrow, wide, kernel, stride, padding, bias=False)
        self.bn = nn.BatchNorm2d(wide, eps=0.001)

    def forward(self, x: Tensor) -> Tensor:
        return functional.relu(self.bn(self.conv(x)))


class _Mixed(nn.Module):
    """Chains side by side; the last one pools first, and means leave the padding out."""

    def __init__(self, narrow: int, chains: tuple[Chain, ...], pool: str) -> None:
        super().__init__()
        self.chains, self.pool = chains, pool
        for chain in chains:
            width = narrow
            for step in chain:
                layers: tuple[Layer, ...] = step if isinstance(step[0], tuple) else (step,)  # type: ignore[assignment]
                for name, wide, kernel, stride in layers:
                    padding = (kernel[0] // 2, kernel[1] // 2) if stride == 1 else (0, 0)
                    self.add_module(name, _Convolution(width, wide, kernel, stride, padding))
                width = layers[-1][1]

    def forward(self, x: Tensor) -> Tensor:
        last = len(self.chains) - 1
        return torch.cat(
            [self._run(chain, self._pooled(x) if i == last else x) for i, chain in enumerate(self.chains)], 1
        )

    def _pooled(self, x: Tensor) -> Tensor:
        if self.pool == "mean":
            return functional.avg_pool2d(x, 3, stride=1, padding=1, count_include_pad=False)
        if self.pool == "max":
            return functional.max_pool2d(x, 3, stride=1, padding=1)
        return functional.max_pool2d(x, 3, stride=2)

    def _run(self, chain: Chain, x: Tensor) -> Tensor:
        for step in chain:
            if isinstance(step[0], tuple):
                x = torch.cat([self.get_submodule(layer[0])(x) for layer in step], 1)  # type: ignore[index]
            else:
                x = self.get_submodule(step[0])(x)  # type: ignore[arg-type]
        return x


class FrechetInception(nn.Module):
    """Photographs to the 2,048 features of the Frechet inception distance.

    Differs from the classifier of today's libraries: means leave the padding out, the last block takes maxima, pictures
    are resized as TensorFlow 1 did, and levels 0..255 become ``(level - 128) / 128``.

    Source: Szegedy et al. 2016 (arXiv:1512.00567), figures 5-7; the pools are those of the graph of 2015-12-05 that
    Heusel et al. 2017 (arXiv:1706.08500) used.
    """

    def __init__(self) -> None:
        super().__init__()
        self.Conv2d_1a_3x3 = _Convolution(3, 32, _THREE, 2)
        self.Conv2d_2a_3x3 = _Convolution(32, 32, _THREE, 1)
        self.Conv2d_2b_3x3 = _Convolution(32, 64, _THREE, 1, (1, 1))
        self.Conv2d_3b_1x1 = _Convolution(64, 80, _ONE, 1)
        self.Conv2d_4a_3x3 = _Convolution(80, 192, _THREE, 1)
        for name, (narrow, chains, pool) in _BLOCKS.items():
            self.add_module(name, _Mixed(narrow, chains, pool))
        self.fc = nn.Linear(WIDTH, 1008)  # of the weights file; the features lie before it

    def forward(self, photographs: Tensor) -> Tensor:
        """Photographs (N, 3, H, W) in [-1, 1] to features (N, 2048)."""
        levels = ((photographs.float() + 1) * 127.5).round().clamp(0, 255)
        x = (resized_as_tensorflow_1(levels, SIDE) - 128) / 128
        x = self.Conv2d_2b_3x3(self.Conv2d_2a_3x3(self.Conv2d_1a_3x3(x)))
        x = functional.max_pool2d(x, 3, stride=2)
        x = functional.max_pool2d(self.Conv2d_4a_3x3(self.Conv2d_3b_1x1(x)), 3, stride=2)
        for name in _BLOCKS:
            x = self.get_submodule(name)(x)
        return x.mean(dim=(2, 3))


def resized_as_tensorflow_1(images: Tensor, side: int) -> Tensor:
    """Bilinear resize (N, C, H, W) to (N, C, side, side) with corners, not centres, aligned at the upper left.

    Pixel i of the result is read at ``i * H / side``, so a picture is shifted by up to half a pixel.
    """
    for axis in (2, 3):
        length = images.shape[axis]
        place = torch.arange(side, device=images.device, dtype=images.dtype) * (length / side)
        low = place.floor().long().clamp(max=length - 1)
        high = (low + 1).clamp(max=length - 1)
        share = (place - low).view([-1 if one == axis else 1 for one in range(4)])
        images = images.index_select(axis, low) * (1 - share) + images.index_select(axis, high) * share
    return images
