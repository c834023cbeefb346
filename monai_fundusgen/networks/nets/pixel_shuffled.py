"""Any network at a fraction of the resolution, with nothing lost at its doors."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional


class PixelShuffled(nn.Module):
    """Fold blocks of pixels into channels, run a network, unfold its channels into pixels.

    A network at half the side costs a quarter and sees twice as far; thin structures survive, because every pixel
    enters and every pixel has an output of its own.

    Args:
        network: (B, factor**2 * C, h, w) -> (B, factor**2 * K, h, w), fully convolutional.
        factor: side of the blocks in px.
        multiple: the network's input must be a multiple of this; the image is padded with zeros and cropped again.

    Source: Shi et al. 2016 (arXiv:1609.05158), for both foldings.
    """

    def __init__(self, network: nn.Module, factor: int = 2, multiple: int = 32) -> None:
        super().__init__()
        self.network = network
        self.factor = factor
        self.multiple = multiple

    def forward(self, image: Tensor) -> Tensor:
        """Output (B, K, H, W) for an image (B, C, H, W) of any size."""
        height, width = image.shape[-2:]
        step = self.factor * self.multiple
        padded = functional.pad(image, (0, -width % step, 0, -height % step))
        folded = functional.pixel_unshuffle(padded, self.factor)
        folded = folded.contiguous(memory_format=torch.channels_last)
        unfolded: Tensor = functional.pixel_shuffle(self.network(folded), self.factor)
        return unfolded[..., :height, :width]
