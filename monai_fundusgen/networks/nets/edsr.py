"""EDSR, super-resolution by a deep residual network without norms, with an optional exact map to follow."""

from __future__ import annotations

import copy
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

#: Mean colour of fundus photographs, [0, 1]: the 24 training photographs of HRF, black margin included.
FUNDUS_MEAN = (0.65, 0.20, 0.11)
_SHORT_KERNEL = 5  # of a tail as one convolution: it reaches two small pixels to each side, at any scale
_SHUFFLES = {1: (), 2: (2,), 3: (3,), 4: (2, 2)}


class _Residual(nn.Module):
    """``x + scaling * conv(relu(conv(x)))``."""

    def __init__(self, channels: int, scaling: float) -> None:
        super().__init__()
        self.scaling = scaling
        self.layers = nn.Sequential(_conv(channels, channels), nn.ReLU(inplace=True), _conv(channels, channels))

    def forward(self, x: Tensor) -> Tensor:
        return torch.add(x, self.layers(x), alpha=self.scaling)


class EDSR(nn.Module):
    """Small photograph to one ``scale`` times as large.

    The baseline has 16 blocks of 64 channels (1.5 M parameters at x4), the full network 32 of 256 with residual
    scaling 0.1 (43 M). With ``guide_channels`` the network also receives a map at the final resolution, folded into
    channels of the small grid (pixel unshuffle), so it can put detail where the map says it is.

    Source: Lim et al. 2017 (arXiv:1707.02921), sections 3.1-3.2; the guide is this project's.

    Args:
        scale: 2, 3 or 4; 1 restores without enlarging.
        channels: width of every residual block.
        num_blocks: residual blocks.
        residual_scaling: factor on each block's residual; 0.1 keeps 256 channels stable.
        image_channels: channels of the photograph.
        mean: mean colour that is taken off in front and put back behind, in [0, 1], one value a channel.
        guide_channels: channels of the guide at full resolution; 0: none.

    Raises:
        ValueError: for another scale, or a mean of another length.
    """

    mean: Tensor
    short_weight: Tensor | None
    short_bias: Tensor | None

    def __init__(
        self,
        scale: int = 4,
        channels: int = 64,
        num_blocks: int = 16,
        residual_scaling: float = 1.0,
        image_channels: int = 3,
        mean: Sequence[float] = FUNDUS_MEAN,
        guide_channels: int = 0,
    ) -> None:
        super().__init__()
        if scale not in _SHUFFLES:
            raise ValueError(f"EDSR: scale is {scale}, expected one of {tuple(_SHUFFLES)}")
        if len(mean) != image_channels:
            raise ValueError(f"EDSR: mean has {len(mean)} values for {image_channels} image channels")
        self.scale, self.guide_channels = scale, guide_channels
        self.register_buffer("mean", (2 * torch.tensor(mean) - 1).view(1, -1, 1, 1), persistent=False)
        self.head = _conv(image_channels + guide_channels * scale**2, channels)
        blocks = [_Residual(channels, residual_scaling) for _ in range(num_blocks)]
        self.body = nn.Sequential(*blocks, _conv(channels, channels))
        shuffles = [layer for factor in _SHUFFLES[scale] for layer in _enlarge(channels, factor)]
        self.tail = nn.Sequential(*shuffles, _conv(channels, image_channels))
        self.register_buffer("short_weight", None, persistent=False)
        self.register_buffer("short_bias", None, persistent=False)

    def forward(self, x: Tensor, guide: Tensor | None = None) -> Tensor:
        """Photograph (N, C, H, W) in [-1, 1] to (N, C, scale * H, scale * W), not clamped.

        Args:
            x: the small photograph.
            guide: (N, guide_channels, scale * H, scale * W) where the network was built with a guide; None: an empty
                one, all zero, so nothing is drawn that the photograph does not show.

        Raises:
            ValueError: the guide is unexpected or of another size.
        """
        centred = x - self.mean
        shallow = self.head(torch.cat([centred, *self._folded(x, guide)], dim=1))
        return self._enlarged(shallow + self.body(shallow)) + self.mean

    def with_blocks(self, kept: Sequence[int]) -> EDSR:
        """A copy with those residual blocks alone: a start for training a shallower, faster network.

        Blocks only add to what they get, so a network without some of them still enlarges, and a short training makes
        up for most of what they did (`benchmarks/enlarger_depth.py`).

        Args:
            kept: numbers of the blocks, from 0, ascending.

        Raises:
            ValueError: none, one that is not there, or an order of its own.
        """
        count = len(self.body) - 1
        if not kept or list(kept) != sorted({*kept} & {*range(count)}):
            raise ValueError(f"EDSR: found blocks {list(kept)}, expected some of 0 to {count - 1}, ascending")
        network = copy.deepcopy(self)
        network.body = nn.Sequential(*(network.body[place] for place in (*kept, count)))
        return network

    def shorten_tail(self) -> None:
        """From now on, in evaluation mode, run the tail as one convolution of the small grid.

        Between the enlarging convolutions stands no non-linearity, so all of them are one linear map: a kernel of 5 x 5
        to ``scale ** 2`` times the image's channels, then one pixel shuffle. At x4 and 64 channels that is a tenth of
        the tail's work. Results differ by rounding, and within seven pixels of the picture's border, where each
        convolution of the long tail pads with zeros of its own. The weights stay as they are, and so does the state
        dict; call it again when they change.
        """
        weight, bias = _one_convolution(self.tail, self.scale)
        self.register_buffer("short_weight", weight, persistent=False)
        self.register_buffer("short_bias", bias, persistent=False)

    def _enlarged(self, x: Tensor) -> Tensor:
        if self.training or self.short_weight is None:
            enlarged: Tensor = self.tail(x)
            return enlarged
        return F.pixel_shuffle(F.conv2d(x, self.short_weight, self.short_bias, padding=_SHORT_KERNEL // 2), self.scale)

    def _folded(self, x: Tensor, guide: Tensor | None) -> list[Tensor]:
        """The guide on the small grid, as a list of none or one."""
        expected = (self.guide_channels, self.scale * x.shape[-2], self.scale * x.shape[-1])
        if guide is None:
            return [x.new_zeros(len(x), self.guide_channels * self.scale**2, *x.shape[-2:])]
        if tuple(guide.shape[1:]) != expected:
            raise ValueError(
                f"EDSR: guide is {tuple(guide.shape[1:])}, expected {expected} (guide_channels, height, width)"
            )
        return [F.pixel_unshuffle(guide, self.scale)]


@torch.no_grad()
def _one_convolution(tail: nn.Sequential, scale: int) -> tuple[Tensor, Tensor]:
    """Weight and bias of the linear map of a tail, read from its answers to single pixels, in double precision."""
    first = next(layer for layer in tail if isinstance(layer, nn.Conv2d))
    channels, middle = first.in_channels, _SHORT_KERNEL - 1
    exact = copy.deepcopy(tail).double().cpu()
    side = 2 * middle + 1
    pixels = torch.zeros(channels, channels, side, side, dtype=torch.float64)
    pixels[range(channels), range(channels), middle, middle] = 1
    nothing = F.pixel_unshuffle(exact(torch.zeros(1, channels, side, side, dtype=torch.float64)), scale)
    answers = F.pixel_unshuffle(exact(pixels), scale) - nothing
    near = slice(middle - _SHORT_KERNEL // 2, middle + _SHORT_KERNEL // 2 + 1)
    weight = answers[:, :, near, near].flip(-1, -2).transpose(0, 1).contiguous()
    bias = nothing[0, :, middle, middle]
    return weight.to(first.weight), bias.to(first.weight)


def _conv(in_channels: int, out_channels: int) -> nn.Conv2d:
    return nn.Conv2d(in_channels, out_channels, 3, padding=1)


def _enlarge(channels: int, factor: int) -> list[nn.Module]:
    """Convolution to ``factor ** 2`` times the channels, then pixel shuffle."""
    return [_conv(channels, channels * factor**2), nn.PixelShuffle(factor)]
